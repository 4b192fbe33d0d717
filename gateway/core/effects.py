"""What the core wants done, and the nouns that it says to a client: the runner does it, without deciding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from bridge.types import Decision, Event, Stage, Target, Work
from gateway.core.finals import Transcript as Transcript
from gateway.core.finals import Translation as Translation
from gateway.core.flight import Recorded
from gateway.core.glimpse import Landed, Show
from gateway.core.inputs import Key
from gateway.core.timings import Origin
from gateway.core.tuning import Tuning
from gateway.core.warnings import Warn


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """`name` is who speaks in a room, here and in what follows; its number is a part of the segment's."""

    segment: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    segment: int


@dataclass(frozen=True, slots=True)
class SpeechBegins:
    """`floor`: in the speaker's own voice. What is of one `lane` is heard one after the other."""

    segment: int
    target: str
    index: int
    rate: int
    floor: bool = False
    lane: str = ""
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SpeechEnds:
    segment: int
    target: str
    rate: int
    duration_ms: float
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A target of a segment, or with target None all of it, that will not be heard any more."""

    segment: int
    target: str | None
    stage: Stage
    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing more comes of this segment, of which `drafts_dropped` drafts were begun in vain."""

    segment: int
    timings_ms: Mapping[str, float | None]
    drafts_dropped: int = 0


@dataclass(frozen=True, slots=True)
class Obeyed:
    """The wish that became decision `number` of the session is in force; its `reason` is "" where the client
    has it."""

    kind: Literal["paused", "resumed", "stopped"]
    number: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """All was said. `segments` were cut."""

    segments: int


Noun = (
    SpeechStarted
    | SpeechStopped
    | Transcript
    | Translation
    | SpeechBegins
    | SpeechEnds
    | Failed
    | Done
    | Obeyed
    | Ended
)


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the client; `seq` numbers the frames that follow from the journal, from 1."""

    seq: int
    what: Noun


@dataclass(frozen=True, slots=True)
class Play:
    """Let the client hear PCM s16le at the session's rate, `offset` samples into the speech in `language`.

    `target` is that language's index in the segment; what is of one `lane` is heard one after the other.
    """

    seq: int
    segment: int
    target: int
    offset: int
    pcm: bytes = field(repr=False)
    last: bool = False
    language: str = ""
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Purge:
    """Drop the speech of segments before `segment` that has not left yet."""

    segment: float


@dataclass(frozen=True, slots=True)
class Append:
    """Write to the room's journal."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class Report:
    """Write what was spoken to the room's journal, for those who need no translation."""

    event: Event


@dataclass(frozen=True, slots=True)
class Taken:
    """This gateway holds the session now; the client's audio is wanted from sample `samples` on."""

    samples: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Another gateway holds the session now: leave it to that one."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The room is over."""


Urgency = Literal["final", "draft", "partial"]
"""How work is wanted: it must be done, or only where nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Send work from `stage` on, for `targets`; `pcm` is the speech that stt needs.

    `live` is work of somebody who speaks just now, not of a recording sent faster than it was spoken.
    `left` is for how many seconds it is still wanted, `budget` in how many its speech must begin (infinity:
    it is never too late), in all targets but those `mute`, which are not spoken. What is not `final` is sent
    at once or not at all.
    """

    work: Work
    stage: Stage
    targets: tuple[Target, ...]
    live: bool
    left: float
    pcm: bytes = field(default=b"", repr=False)
    urgency: Urgency = "final"
    budget: float = inf
    mute: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Supersede:
    """Attempts before `attempt` that no worker has begun are not wanted any more."""

    segment: int
    revision: int
    stage: Stage
    target: str | None
    attempt: int


@dataclass(frozen=True, slots=True)
class Free:
    """These pieces of work take no room in their queues any more."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Forget:
    """Remove what Redis keeps of the segment: its speech; where `settled`, also its attempts' numbers."""

    segment: int
    revision: int
    superseded: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Cancel:
    """Work of segments before `segment` is not wanted any more."""

    segment: int


@dataclass(frozen=True, slots=True)
class Control:
    """Let the workers hear of a decision (paused, resumed, stopped) at once, ahead of the journal."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class Drop:
    """Drafts of the segment up to `revision` are not wanted any more."""

    segment: int
    revision: int


@dataclass(frozen=True, slots=True)
class Timer:
    """Tick at `at`, in seconds of the runner's clock."""

    at: float


Heard = Say | Show | Play | Purge | Warn
"""What those get who listen in one way."""

Effect = (
    Heard
    | Append
    | Report
    | Recorded
    | Taken
    | Lost
    | Closed
    | Submit
    | Supersede
    | Landed
    | Free
    | Forget
    | Cancel
    | Control
    | Drop
    | Timer
)


@dataclass(frozen=True, slots=True)
class For:
    """Effects that concern one session held here, or all who listen in one way."""

    whom: str | Tuning
    effects: list[Effect]
