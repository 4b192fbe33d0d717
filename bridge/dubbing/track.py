"""Lays the spoken translation over a recording: as late as it has to be, and no later."""

from __future__ import annotations

import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.dubbing.tempo import shortened
from bridge.types import SAMPLE_BYTES, Sound

SLACK_MS = 1_000
"""How late a sentence may begin before the one in front of it is shortened: nobody notices less."""
BLOCK = 2**16


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of speech; what it translates begins at `start_ms` of the recording."""

    start_ms: float
    audio: Sound


@dataclass(frozen=True, slots=True)
class Placed:
    """Speech and its place: the number of its first sample. It is shortened to `room` as it is read."""

    at: int
    end: int
    audio: Sound
    room: int

    @property
    def pcm(self) -> bytes:
        return shortened(self.audio, self.room).pcm


@dataclass(frozen=True, slots=True)
class Track:
    """Speech at `rate` Hz with silence between.

    `lag_ms` is the greatest time between the start of a sentence and that of its translation, `speed` the
    greatest factor by which one was shortened.
    """

    rate: int
    placed: tuple[Placed, ...]
    lag_ms: float
    speed: float

    @property
    def ms(self) -> float:
        return self.placed[-1].end * 1000 / self.rate

    def blocks(self) -> Iterator[bytes]:
        """The whole track as PCM s16le mono, a piece at a time."""
        reached = 0
        for piece in self.placed:
            silence = piece.at - reached
            while silence:
                yield bytes(min(silence, BLOCK) * SAMPLE_BYTES)
                silence -= min(silence, BLOCK)
            yield piece.pcm
            reached = piece.end

    def write_wav(self, path: Path) -> None:
        """Raises OSError."""
        with path.open("wb") as file, wave.open(file, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(SAMPLE_BYTES)
            sound.setframerate(self.rate)
            for block in self.blocks():
                sound.writeframesraw(block)


def dubbed(lines: Sequence[Line], end_ms: float | None = None) -> Track | None:
    """The track of all lines, which have one rate and are in spoken order; None where there are none.

    A line begins with what it translates, or when the one before is over. One that would make the next
    more than SLACK_MS late, or end so long after the recording does at `end_ms`, loses pauses and is
    spoken up to 1.25 times as fast.
    """
    if not lines:
        return None
    rate = lines[0].audio.rate
    placed: list[Placed] = []
    reached, lag, speed = 0, 0, 1.0
    for index, line in enumerate(lines):
        start = int(line.start_ms * rate / 1000)
        at = max(start, reached)
        due = lines[index + 1].start_ms if index + 1 < len(lines) else end_ms
        room = line.audio.samples if due is None else int((due + SLACK_MS) * rate / 1000) - at
        samples = shortened(line.audio, room).samples
        reached = at + samples
        placed.append(Placed(at, reached, line.audio, room))
        lag = max(lag, at - start)
        speed = max(speed, line.audio.samples / max(samples, 1))
    return Track(rate, tuple(placed), lag * 1000 / rate, speed)
