"""How evenly frames of speech come to one session, heard without a buffer. Times are arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

HEARD = 0.0001
"""Seconds of silence between two frames that count as a gap."""


class Rhythm:
    """Follows the frames of one session, which hears a segment from the arrival of its first frame on.

    `intervals` are the milliseconds between the frames of a segment, `frames` how many came, `late` how many
    came after the moment at which they were to be heard, `missing` how many never came.
    """

    def __init__(self, rate: int, frame_ms: int) -> None:
        """PCM of `rate` Hz, in frames of `frame_ms`."""
        self.intervals: list[float] = []
        self.frames = self.late = self.missing = 0
        self._rate = rate
        self._size = max(1, rate * frame_ms // 1000)
        self._segment = -1
        self._next = 0
        self._last = 0.0
        self._began = 0.0

    def hear(self, segment: int, offset: int, samples: int, now: float) -> None:
        """Notes a frame that came at `now`, in seconds, `offset` samples into the speech of `segment`."""
        if not samples:
            return
        self.frames += 1
        if segment != self._segment:
            self._segment, self._next, self._began = segment, 0, now - offset / self._rate
        else:
            self.intervals.append(round((now - self._last) * 1000, 3))
        self.missing += -(-max(0, offset - self._next) // self._size)
        late = now - self._began - offset / self._rate
        if late > HEARD and offset:
            self.late += 1
            self._began += late  # a gap is heard, and then the rest goes on
        self._next, self._last = offset + samples, now

    @property
    def drop_ratio(self) -> float:
        """Share of all frames that did not come, or too late."""
        return (self.late + self.missing) / max(1, self.frames + self.missing)

    def message(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {name: getattr(self, name) for name in _COUNTED}

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """What a message tells; what else stands there is ignored."""
        made = cls(1, 1)
        for name in _COUNTED:
            setattr(made, name, message[name])
        return made


_COUNTED = ("intervals", "frames", "late", "missing")
