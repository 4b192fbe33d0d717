"""What goes to the server: audio by its samples, messages at their place, kept until they are safe."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from bridge.types import SAMPLE_BYTES, SPEECH_RATE

KEPT_BYTES = 180 * SPEECH_RATE * SAMPLE_BYTES
"""More than two of the longest segments, of a minute each, of which a server may hold back its receipt:
whoever speaks live never waits. 6 MB."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A frame that is no audio, to be sent when all audio before sample `at` was."""

    at: int
    data: str | bytes


class Spool:
    """Gives out each thing once, in order, and again from any sample that is not safe yet.

    Where `keeps` is not set, what was given out is forgotten.
    """

    def __init__(self) -> None:
        self.keeps = False
        self._audio = bytearray()
        self._first = 0
        self._next = 0
        self._placed: deque[_Placed] = deque()
        self._given = 0

    @property
    def first(self) -> int:
        """The first sample that can still be given out."""
        return self._first

    @property
    def end(self) -> int:
        """The sample after the last."""
        return self._first + len(self._audio) // SAMPLE_BYTES

    @property
    def seconds(self) -> float:
        """Of audio that is not safe yet."""
        return len(self._audio) / (SPEECH_RATE * SAMPLE_BYTES)

    @property
    def full(self) -> bool:
        """Whether so much is not safe yet that nothing more should be added."""
        return self.keeps and len(self._audio) >= KEPT_BYTES

    def add_audio(self, pcm: bytes) -> None:
        """Adds PCM s16le. A frame that ends within a sample is not counted: the server drops it."""
        if len(pcm) % SAMPLE_BYTES:
            self.add(pcm)
        else:
            self._audio += pcm

    def add(self, data: str | bytes) -> None:
        """Adds a frame whose place is behind all audio so far."""
        self._placed.append(_Placed(self.end, data))

    def take(self, most: int) -> str | bytes | None:
        """The next frame to be sent, of audio at most `most` bytes; None where there is none."""
        placed = self._placed[self._given] if self._given < len(self._placed) else None
        if placed is not None and placed.at <= self._next:
            self._given += 1
            self._forget()
            return placed.data
        end = min(self._next + most // SAMPLE_BYTES, self.end if placed is None else placed.at)
        if end <= self._next:
            return None
        begin = (self._next - self._first) * SAMPLE_BYTES
        pcm = bytes(self._audio[begin : (end - self._first) * SAMPLE_BYTES])
        self._next = end
        self._forget()
        return pcm

    def free(self, before: int) -> None:
        """All before this sample is safe."""
        before = min(before, self._next)
        if before > self._first:
            del self._audio[: (before - self._first) * SAMPLE_BYTES]
            self._first = before
        while self._given and self._placed[0].at < before:
            self._placed.popleft()
            self._given -= 1

    def yield_room(self) -> None:
        """Forgets the oldest quarter of what was given out although nobody said that it is safe."""
        self.free(self._first + KEPT_BYTES // 4 // SAMPLE_BYTES)

    def rewind(self, to: int) -> None:
        """The server wants all from this sample on once more, messages at this place too."""
        self._next = min(max(to, self._first), self.end)
        self._given = sum(placed.at < self._next for placed in self._placed)

    def _forget(self) -> None:
        if not self.keeps:
            self.free(self._next)
            while self._given:
                self._placed.popleft()
                self._given -= 1
