"""What was sent to be played, on the clock of a client that plays it at once and without a gap."""

from __future__ import annotations

from collections import deque
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gateway.core.streams import Resample

RATE = 8_000
"""Hz: what a voice is recognised by lies below 4 kHz."""
AHEAD_SECONDS = 60
"""What will be played later than that is not kept: 1 MB for one session."""
BEHIND_SECONDS = 5

Samples = NDArray[np.float32]


class Playout:
    """Of one listener. Times are seconds on the runner's clock; a client may be late by a second or two."""

    def __init__(self, resample: Resample) -> None:
        self._resample = resample
        self._pieces: deque[tuple[int, Samples]] = deque()
        self._stream = resample(RATE, RATE)
        self._from = RATE
        self._end = 0
        self._paused_at: float | None = None
        self._held = 0.0

    def place(self, now: float) -> int:
        """The sample that is played at `now`."""
        until = now if self._paused_at is None else self._paused_at
        return round((until - self._held) * RATE)

    def add(self, pcm: bytes, rate: int, now: float) -> None:
        """PCM s16le at `rate` leaves for the client."""
        at = self.place(now)
        if at > self._end or rate != self._from:
            self._stream, self._from = self._resample(rate, RATE), rate
        samples = np.frombuffer(self._stream.feed(pcm), "<i2").astype(np.float32)
        start = max(at, self._end)
        self._end = start + len(samples)
        if start < at + AHEAD_SECONDS * RATE:
            self._pieces.append((start, samples))
        while self._pieces and self._pieces[0][0] + len(self._pieces[0][1]) < at - BEHIND_SECONDS * RATE:
            self._pieces.popleft()

    def obey(self, kind: Literal["paused", "resumed", "stopped"], now: float) -> None:
        """The client pauses, goes on, or drops what it has."""
        at = self.place(now)
        if kind == "paused" and self._paused_at is None:
            self._paused_at = now
        elif kind == "resumed" and self._paused_at is not None:
            self._held += now - self._paused_at
            self._paused_at = None
        elif kind == "stopped":
            kept = [(start, samples[: max(0, at - start)]) for start, samples in self._pieces]
            self._pieces = deque((start, samples) for start, samples in kept if len(samples))
            self._end = min(self._end, at)

    def between(self, start: int, end: int) -> Samples:
        """What is played from sample `start` to `end`; silence where nothing is."""
        found = np.zeros(end - start, np.float32)
        for at, samples in self._pieces:
            first, last = max(at, start), min(at + len(samples), end)
            if first < last:
                found[first - start : last - start] = samples[first - at : last - at]
        return found
