"""What the core is told: audio with its judgement, wishes of the client, the journal, the workers, time.

An `Entry` of the journal (bridge.types) is an input as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from bridge.types import Entry, Presence, Stage
from gateway.core.heard import Heard
from gateway.core.terms import Terms

Key = tuple[int, Stage, str | None]
"""A piece of work of one session: segment, stage, target."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """So many samples of the session have come in by now, judged or not."""

    samples: int


@dataclass(frozen=True, slots=True)
class Windows:
    """The next samples, s16le 16 kHz, and how likely each window that they complete holds speech.

    `heard` is what is known by now of the last windows, the newest last, where they may be an echo.
    """

    pcm: bytes = field(repr=False)
    probabilities: tuple[float, ...] = ()
    heard: tuple[Heard, ...] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """Cut here."""


@dataclass(frozen=True, slots=True)
class Update:
    """Other terms, from the next segment on."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class End:
    """No audio follows. `probability` judges the last, incomplete window, filled up with silence."""

    probability: float = 0.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Hold speech back."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Let speech go on."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Silence all that was said so far."""


@dataclass(frozen=True, slots=True)
class Behind:
    """So many seconds of speech wait to be heard, says the only one who listens."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Sent:
    """Work is on its way; `queues` says where each of its stages will wait."""

    segment: int
    stage: Stage
    target: str | None
    queues: Mapping[Key, str]


@dataclass(frozen=True, slots=True)
class Unsent:
    """Work could not be sent, for `reason`."""

    segment: int
    stage: Stage
    target: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Shed:
    """Of a segment no speech is made in `targets`, or with None nothing at all: it would come too late."""

    segment: int
    targets: tuple[str, ...] | None
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """There was no room for a partial: a look at what is said, or at its translation into `target`."""

    stage: Stage
    target: str | None


@dataclass(frozen=True, slots=True)
class Looked:
    """The items (bridge.types.item_name) that living workers say they run."""

    running: Set[str]


@dataclass(frozen=True, slots=True)
class Vanished:
    """A worker is gone with all it held; `elsewhere`: its queue has no other, but its stage has."""

    worker: str
    queue: str
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """Redis came back without the room's journal, and so without its queued work."""


@dataclass(frozen=True, slots=True)
class Attended:
    """Who is in the room by way of each gateway, all that is known."""

    presences: Mapping[str, Presence]


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Input = (
    Arrived
    | Windows
    | Commit
    | Update
    | End
    | Pause
    | Resume
    | Stop
    | Behind
    | Sent
    | Unsent
    | Shed
    | Skipped
    | Looked
    | Vanished
    | Lost
    | Attended
    | Tick
    | Entry
)
