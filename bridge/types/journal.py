"""The entries of a room's journal: what workers report, what gateways decide, who is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bridge.types.work import Floor, Stage, Target

EventKind = Literal["started", "head", "text", "partial", "audio", "done", "failed", "floor", "obeyed"]


@dataclass(frozen=True, slots=True)
class Event:
    """What a stage reports: an entry of the room's journal, written by a worker.

    `started`: a worker took the work. `head`: the first sentences of a translation, of the first `skip`
    characters of what was said, go to tts before the rest is translated. `text`: a transcript or
    translation is whole, behind the head of `skip` characters where one was told. `partial`: one of speech
    that goes on, of which `index` samples were heard, with `marks` as in Hypothesis. `audio`: PCM at `rate`,
    piece `index` of sentence `sentence`, both counted from 0 within the attempt; `last` marks the last piece
    of a sentence. `done`: TTS has spoken all sentences, `index` pieces in this attempt; behind a head those
    of `part` 1, which counts its pieces for itself.
    `failed`: the stage gives up; `code`, `message` and `retryable` tell why. `floor`: what was spoken, as
    it was recorded, written by the speaker's gateway. `obeyed`: the worker heard of decision `index` of the
    session (paused, resumed, stopped), `queued_ms` after it was made. `quick`: made with the least effort.
    `provider` made it, or broke off.
    Times are milliseconds; `queued_ms` lies between sending and start, `running_ms` between start and this
    event.
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
    marks: tuple[int, ...] = ()
    part: int = 0
    skip: int = 0
    quick: bool = False
    provider: str = ""


DecisionKind = Literal[
    "joined",
    "began",
    "draft",
    "dropped",
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


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gateway that holds a session decides: an entry of the room's journal.

    `number` counts the decisions of a session from 0, so that one that was written twice counts once (-1:
    not written yet). `fence` counts the gateways that held the session: what an earlier one still writes
    does not count. `speaker` and `name` are what the room knows the session by.
    `joined`: the session listens from here on, in `targets`, at `rate`. `began`: segment `segment` is certain
    to come, from sample `start` on. `draft`: it was sent as revision `revision`, as it will be if no more is
    said; `dropped`: that one is void. `cut`: it is whole, just as its draft of the same revision if there is
    one: samples `start` to `end`, speech to `speech_end`, spoken in `source` (None: to be detected), heard in
    `targets`; cut `endpoint_ms` after its speech ended, and sent as a draft `draft_ms` after it; `recorded`
    where it was sent faster than anybody speaks. `again`:
    `stage` of it was sent again as `attempt`; tts begins with sentence `sentence`, translation behind
    the head of `skip` characters. `gave_up`: it, or its `target`, will not be heard. `paused`, `resumed`,
    `stopped`: of what is spoken to the session; `stopped` silences the segments before `segment`. Where
    `code` is `barge_in`, the session's own speech wanted it: such a pause lasts until it is resumed for that
    reason, whatever the client pauses and resumes meanwhile, and such a stop in a room silences only what
    began to be heard. `ended`: nothing more is said. `also`: a segment that was cut is heard in `targets` as
    well. `taken`: another gateway holds the session from here on. `closed`: the room is over for everybody.
    `at` is when it was decided, in seconds: on the runner's clock in the core, on Redis' in the journal.
    `trace` of `began`, `draft` and `cut` names the span of the segment, for whoever delivers it.
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
    draft_ms: float = 0.0
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
    skip: int = 0
    recorded: bool = False
    at: float = field(default=0.0, compare=False)
    trace: str = field(default="", compare=False)


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
    """Who takes part in a room at one gateway: how many listen by language, in which of these languages
    somebody wants to see the words while they are spoken, and the speakers.

    The record of a gateway, and an entry of the room's journal whenever it changed.
    """

    gateway: str
    listeners: Mapping[str, int]
    speakers: tuple[Attendant, ...] = ()
    partials: tuple[str, ...] = ()


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
