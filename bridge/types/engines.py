"""What the engines are given and what they make: audio, words, speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

SPEECH_RATE = 16_000
"""Samples per second of all speech on its way to STT: what VAD models and recognisers are trained on."""

Rate = Literal[8000, 16000, 22050, 24000, 44100, 48000]
"""Sample rates of audio to a client, Hz."""

SAMPLE_BYTES = 2
"""Bytes of one sample: all audio inside the system is mono PCM s16le."""


@dataclass(frozen=True, slots=True)
class Audio:
    """Mono PCM s16le at `rate` samples per second."""

    pcm: bytes
    rate: int

    @property
    def samples(self) -> int:
        return len(self.pcm) // SAMPLE_BYTES

    @property
    def ms(self) -> float:
        return self.samples * 1000 / self.rate


class Sound(Protocol):
    """What is like Audio, wherever its samples lie."""

    @property
    def pcm(self) -> bytes: ...
    @property
    def rate(self) -> int: ...
    @property
    def samples(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a recording: mono PCM s16le at SPEECH_RATE, whose first sample is presented at `at_ms`."""

    pcm: bytes
    at_ms: float


@dataclass(frozen=True, slots=True)
class Speech:
    """What STT is given: one segment, whole; `language` is None where it is to be detected.

    Then it is one of `among`, where they are named, and `prior` is the one spoken before. `quick`: soon
    counts for more than well.
    """

    audio: Audio
    language: str | None = None
    among: tuple[str, ...] = ()
    prior: str | None = None
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Transcript:
    """What STT makes. `confidence` is 0-1 where the engine has one, else None, never a constant."""

    text: str
    language: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What STT makes of speech that goes on. `marks` says where words end, as far as the engine knows, in
    pairs laid out flat: characters of `text` up to there, milliseconds of the audio up to there."""

    text: str
    language: str
    marks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Phrase:
    """What translation is given: the text of one segment. `quick`: soon counts for more than well.

    `context`: what the speaker said just before, in the source language, oldest first. `terms`: what words of
    the text are called in the target language, as pairs, from a glossary.
    """

    text: str
    source: str
    target: str
    quick: bool = False
    context: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Translation:
    """What translation makes."""

    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Utterance:
    """What TTS is given: text to speak in `language`, in the named voice or the language's own, `speed` times
    faster than it speaks by itself, at the same pitch.

    `soon`: nothing is heard before it, so that its first sound matters more than how its clauses flow.
    """

    text: str
    language: str
    voice: str | None = None
    speed: float = 1.0
    soon: bool = False
