"""What the journal says of a segment, found once by the ledger: its speaker and its listeners act on it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.types import Decision, Event
from gateway.core.captions import Caption


@dataclass(frozen=True, slots=True)
class Taken:
    """A worker has begun."""

    event: Event


@dataclass(frozen=True, slots=True)
class Transcribed:
    """The transcript, once."""

    event: Event


@dataclass(frozen=True, slots=True)
class Translated:
    """The translation into one target, once."""

    event: Event


@dataclass(frozen=True, slots=True)
class Partial:
    """A look at speech that goes on came back; `caption` is what is shown of it now, None where it came too
    late. Its segment begins with sample `start`."""

    event: Event
    caption: Caption | None
    start: int


@dataclass(frozen=True, slots=True)
class Headed:
    """The first sentences of a translation, once, which are spoken before the rest is translated."""

    event: Event


@dataclass(frozen=True, slots=True)
class HeadSpoken:
    """They are spoken; what comes now is of the rest."""

    segment: int
    target: str


@dataclass(frozen=True, slots=True)
class Piece:
    """The next speech of the attempt that is heard."""

    event: Event


@dataclass(frozen=True, slots=True)
class Original:
    """What was spoken, as it was recorded: all that a target of the same language gets."""

    event: Event
    target: str


@dataclass(frozen=True, slots=True)
class Spared:
    """No engine is needed for a target, because its language is the one that was spoken."""

    segment: int
    target: str


@dataclass(frozen=True, slots=True)
class Added:
    """A segment that was cut is heard in more targets, whose listeners know nothing of it yet."""

    decision: Decision
    cut: Decision
    transcript: Event | None


@dataclass(frozen=True, slots=True)
class Rewound:
    """Another attempt takes over: what is there of sentence `sentence` will be spoken anew."""

    segment: int
    target: str
    sentence: int


@dataclass(frozen=True, slots=True)
class Whole:
    """The speech of a target is complete."""

    segment: int
    target: str


@dataclass(frozen=True, slots=True)
class Torn:
    """The attempt that is heard says it is done, but pieces of it were lost on their way."""

    event: Event


@dataclass(frozen=True, slots=True)
class Refused:
    """A stage reports that it failed."""

    event: Event


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that concerns the segments: began, cut, gave_up."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class Early:
    """A fact of a draft: for its speaker, who supervises it, and for nobody else yet."""

    fact: Fact
    segment: int
    revision: int


@dataclass(frozen=True, slots=True)
class Late:
    """The same when the draft was promoted: for all who listen."""

    fact: Fact


Fact = (
    Taken
    | Transcribed
    | Translated
    | Partial
    | Headed
    | HeadSpoken
    | Piece
    | Original
    | Spared
    | Added
    | Rewound
    | Whole
    | Torn
    | Refused
    | Decided
    | Early
    | Late
)
