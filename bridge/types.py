"""The nouns that travel between gateway, Redis and workers. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Protocol, Self

Stage = Literal["stt", "translation", "tts"]
STAGES: tuple[Stage, ...] = ("stt", "translation", "tts")

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

    Then it is one of `among`, where they are named, and `prior` is the one spoken before.
    """

    audio: Audio
    language: str | None = None
    among: tuple[str, ...] = ()
    prior: str | None = None


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

    A few hundred bytes of JSON; the audio stays in Redis under the key `audio` (claim check). `room` is
    the room whose journal hears of it, `sentence` the first one that tts still has to speak. `deadline`
    and `sent` are seconds on the clock of Redis, which is the one that all hosts share. A `source` of None
    is to be detected, `among` these where there are any, `prior` being the one that was found last. Who
    listens in the language that is spoken hears, by `floor`, its words spoken by an engine (""), the
    speaker's own "voice", or nothing ("silent").
    """

    session: str
    segment: int
    room: str = ""
    revision: int = 0
    attempt: int = 0
    draft: bool = False
    source: str | None = None
    among: tuple[str, ...] = ()
    prior: str = ""
    target: str | None = None
    voice: str | None = None
    floor: str = ""
    text: str = ""
    sentence: int = 0
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
        values = {name: value for name, value in message.items() if name in known}
        return cls(**values | {"among": tuple(values.get("among", ()))})


def item_name(session: str, segment: int, stage: Stage, target: str | None, attempt: int) -> str:
    """How a worker's sign of life names a piece of work that it runs: `session/3/tts/es/0`."""
    return f"{session}/{segment}/{stage}/{target or ''}/{attempt}"


EventKind = Literal["started", "text", "audio", "done", "failed", "floor"]


@dataclass(frozen=True, slots=True)
class Event:
    """What a stage reports: an entry of the room's journal, written by a worker.

    `started`: a worker took the work. `text`: a transcript or translation is whole. `audio`: PCM at
    `rate`, piece `index` of sentence `sentence`, both counted from 0 within the attempt; `last` marks
    the last piece of a sentence. `done`: TTS has spoken all sentences, `index` pieces in this attempt.
    `failed`: the stage gives up; `code`, `message` and `retryable` tell why. `floor`: what was spoken, as
    it was recorded, written by the speaker's gateway. Times are milliseconds; `queued_ms` lies between
    sending and start, `running_ms` between start and this event.
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
    sentence: int = 0
    last: bool = False
    code: str = ""
    message: str = ""
    retryable: bool = False


DecisionKind = Literal[
    "joined",
    "began",
    "cut",
    "again",
    "also",
    "gave_up",
    "paused",
    "resumed",
    "stopped",
    "ended",
    "taken",
    "closed",
]
Floor = Literal["", "voice", "silent"]
"""What those get who listen in the language that is spoken: the words spoken by tts ("") as in any other
language, the speaker's own voice, or nothing."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gateway that holds a session decides: an entry of the room's journal.

    `number` counts the decisions of a session from 0, so that one that was written twice counts once (-1:
    not written yet). `fence` counts the gateways that held the session: what an earlier one still writes
    does not count. `speaker` and `name` are what the room knows the session by.
    `joined`: the session listens from here on, in `targets`, at `rate`. `began`: segment `segment` is
    certain to come. `cut`: it is whole: samples `start` to `end`, speech to `speech_end`, spoken in
    `source` (None: to be detected), heard in `targets`, known `endpoint_ms` after its speech ended.
    `again`: `stage` of it was sent again as `attempt`; tts begins with sentence `sentence`. `gave_up`: it,
    or its `target`, will not be heard. `paused`, `resumed`, `stopped`: of what is spoken to the
    session; `stopped` silences the segments before `segment`. `ended`: nothing more is said.
    `also`: a segment that was cut is heard in `targets` as well. `taken`: another gateway holds the session
    from here on. `closed`: the room is over for everybody.
    """

    kind: DecisionKind
    session: str
    number: int = -1
    segment: int = 0
    revision: int = 0
    attempt: int = 0
    stage: Stage | None = None
    target: str | None = None
    sentence: int = 0
    start: int = 0
    end: int = 0
    speech_end: int = 0
    endpoint_ms: float = 0.0
    source: str | None = None
    targets: tuple[Target, ...] = ()
    rate: int = 0
    code: str = ""
    message: str = ""
    retryable: bool = False
    fence: int = 0
    speaker: int = 0
    name: str = ""
    floor: Floor = ""


@dataclass(frozen=True, slots=True)
class Attendant:
    """Somebody who may speak in a room, by the number and the name that the others know; `away` for a
    moment: the connection is lost and may come back."""

    number: int
    name: str
    language: str
    away: bool = False


@dataclass(frozen=True, slots=True)
class Presence:
    """Who takes part in a room at one gateway: how many listen by language, and the speakers.

    The record of a gateway, and an entry of the room's journal whenever it changed.
    """

    gateway: str
    listeners: Mapping[str, int]
    speakers: tuple[Attendant, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a journal: its id, and what it holds, None for what this release cannot read.

    An id is `ms-n`: milliseconds on the clock of Redis when it was written, and a count within them.
    """

    id: str
    item: Event | Decision | Presence | None

    @property
    def at(self) -> float:
        """When it was written, in seconds on the clock of Redis."""
        return int(self.id.partition("-")[0]) / 1000
