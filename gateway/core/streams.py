"""The speech of one segment on its way to a listener's rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bridge.types import SAMPLE_BYTES

PIECE_MS = 200
"""Speech in one frame of the original voice, which stands in the journal in one piece."""


class Resampling(Protocol):
    """Changes the rate of a stream of PCM s16le piece by piece."""

    def feed(self, pcm: bytes, last: bool = False) -> bytes: ...


Resample = Callable[[int, int], Resampling]
"""Makes one, from one rate to another."""


class Stream:
    """The speech of one segment in one target on its way to the listener's rate."""

    def __init__(
        self, segment: int, index: int, target: str, lane: str, rate: int, resample: Resample
    ) -> None:
        """`index` is the place of `target` in what the segment was cut for."""
        self.segment = segment
        self.index = index
        self.target = target
        self.lane = lane
        self.samples = 0
        self._rate = rate
        self._from = 0
        self._resample = resample
        self._resampler: Resampling | None = None

    def add(self, pcm: bytes, rate: int) -> bytes:
        """The samples at the listener's rate that are ready."""
        before = b""
        if rate != self._from:
            before = self.end()
            self._from, self._resampler = rate, self._resample(rate, self._rate)
        assert self._resampler is not None
        return before + self._resampler.feed(pcm)

    def end(self) -> bytes:
        """The samples still held back."""
        resampler, self._resampler = self._resampler, None
        return resampler.feed(b"", last=True) if resampler else b""

    def take(self, pcm: bytes) -> int:
        """The offset of the samples that leave now."""
        offset = self.samples
        self.samples += len(pcm) // SAMPLE_BYTES
        return offset


def pieces(pcm: bytes, rate: int) -> list[bytes]:
    """The original voice, PCM s16le of `rate` Hz, in the pieces in which it is heard."""
    size = rate * PIECE_MS // 1000 * SAMPLE_BYTES
    return [pcm[start : start + size] for start in range(0, len(pcm), size)]
