"""The nouns that travel between gateway, Redis and workers. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self

Stage = Literal["stt", "translation", "tts"]
STAGES: tuple[Stage, ...] = ("stt", "translation", "tts")

SPEECH_RATE = 16_000
"""Samples per second of all speech on its way to STT: what VAD models and recognisers are trained on."""

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


@dataclass(frozen=True, slots=True)
class Speech:
    """What STT is given: one segment, whole; `language` is None where it is to be detected."""

    audio: Audio
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What STT makes. `confidence` is 0-1 where the engine has one, else None, never a constant."""

    text: str
    language: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Phrase:
    """What translation is given: the text of one segment."""

    text: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Translation:
    """What translation makes."""

    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Utterance:
    """What TTS is given: text to speak in `language`, in the named voice or the language's own."""

    text: str
    language: str
    voice: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One language that somebody listens in, and the voice they asked for."""

    language: str
    voice: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """The message of one task: who it is for, what the stage before made, until when it is wanted.

    A few hundred bytes of JSON; the audio stays in Redis under the key `audio` (claim check).
    `deadline` and `sent` are seconds since the epoch, because hosts share no other clock.
    """

    session: str
    segment: int
    revision: int = 0
    attempt: int = 0
    draft: bool = False
    source: str | None = None
    target: str | None = None
    voice: str | None = None
    text: str = ""
    audio: str = ""
    rate: int = 24_000
    deadline: float = 0.0
    sent: float = 0.0

    def but(self, **changes: Any) -> Self:
        """The same work with some fields changed."""
        return replace(self, **changes)

    def message(self) -> dict[str, Any]:
        """As JSON-ready values, for a task's arguments."""
        return asdict(self)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """The work in a task's arguments; fields of a newer release are ignored."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in message.items() if name in known})


EventKind = Literal["started", "text", "audio", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Event:
    """What a stage reports to the gateway.

    `started`: a worker took the work. `text`: a transcript or translation is whole. `audio`: PCM at
    `rate`, `offset` samples into the utterance. `done`: TTS has spoken all `offset` samples.
    `failed`: the stage gives up; `code`, `message` and `retryable` tell why. Times are milliseconds;
    `queued_ms` lies between sending and start, `running_ms` between start and this event.
    """

    kind: EventKind
    stage: Stage
    session: str
    segment: int
    revision: int = 0
    attempt: int = 0
    target: str | None = None
    index: int = 0
    queued_ms: float = 0.0
    running_ms: float = 0.0
    worker: str = ""
    text: str = ""
    language: str | None = None
    confidence: float | None = None
    pcm: bytes = b""
    rate: int = 0
    offset: int = 0
    code: str = ""
    message: str = ""
    retryable: bool = False
