"""What somebody who joins late is told first: the sentence that is being spoken, or the last one."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core import effects
from gateway.core.effects import Effect, Play, Say

LATEST = 15.0
"""Seconds for which a sentence is worth hearing by somebody who was not there."""


class Recent:
    """The frames of the segments that are not over, and of the last one that is."""

    def __init__(self) -> None:
        self._frames: dict[int, list[Say | Play]] = {}
        self._over: list[Say | Play] = []
        self._until = 0.0

    def note(self, at: float, found: Sequence[Effect]) -> None:
        """More frames, of an entry that was written at `at`."""
        for effect in found:
            if isinstance(effect, Play):
                self._frames.setdefault(effect.segment, []).append(effect)
            elif isinstance(effect, Say) and (segment := getattr(effect.what, "segment", None)) is not None:
                self._frames.setdefault(segment, []).append(effect)
                if isinstance(effect.what, effects.Done):
                    frames = self._frames.pop(segment)
                    # One that was not spoken here is added, with all that was said of it, when it is.
                    if any(isinstance(frame, Play) for frame in frames):
                        self._over, self._until = frames, at + LATEST

    def frames(self, at: float) -> list[Say | Play]:
        """In the order of their numbers."""
        found = [frame for frames in self._frames.values() for frame in frames]
        if not found and at < self._until:
            found = self._over
        return sorted(found, key=lambda frame: frame.seq)
