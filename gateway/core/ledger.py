"""What a journal says of one speaker's segments: every reader that folds it comes to the same.

Of twins, the same work sent twice, one attempt is heard: the first that delivers, in the order of the
journal. Pieces of two attempts are never joined, because engines are not deterministic: an attempt that
was sent again in mid-speech takes over with the sentence that was cut off.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.languages import same
from bridge.types import Decision, Event


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
class Piece:
    """The next speech of the attempt that is heard."""

    event: Event


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


Fact = Taken | Transcribed | Translated | Piece | Rewound | Whole | Torn | Refused | Decided


@dataclass(slots=True)
class Voice:
    """One target of a segment. `sentences` were heard whole, `index` is the piece that comes next."""

    translators: set[int] = field(default_factory=set)
    speakers: set[int] = field(default_factory=set)
    translation: Event | None = None
    chosen: int | None = None
    index: int = 0
    sentences: int = 0
    finished: bool = False


@dataclass(slots=True)
class _Segment:
    revision: int
    voices: dict[str, Voice]
    floor: str = ""
    transcript: Event | None = None


class Ledger:
    """The segments of one speaker that are not over."""

    def __init__(self) -> None:
        self._segments: dict[int, _Segment] = {}

    def voice(self, segment: int, target: str) -> Voice | None:
        """What is known of a target, None once the segment is over."""
        state = self._segments.get(segment)
        return state.voices.get(target) if state else None

    def decide(self, decision: Decision) -> list[Fact]:
        """Folds a decision of the speaker's gateway."""
        if decision.kind == "cut" and decision.targets:
            voices = {target.language: Voice() for target in decision.targets}
            self._segments[decision.segment] = _Segment(decision.revision, voices, decision.floor)
            return [Decided(decision)]
        if decision.kind == "again":
            return self._again(decision)
        if decision.kind == "gave_up":
            return self._give_up(decision)
        return [Decided(decision)]

    def report(self, event: Event) -> list[Fact]:
        """Folds what a worker reports; nothing for what is over or was said before."""
        state = self._segments.get(event.segment)
        if state is None or event.revision != state.revision:
            return []
        match event.kind:
            case "started":
                return [Taken(event)] if _counts(state, event) else []
            case "failed":
                return [Refused(event)] if _counts(state, event) else []
            case "text" if event.stage == "stt":
                return self._transcript(state, event)
        voice = state.voices.get(event.target or "")
        if voice is None or voice.finished:
            return []
        if event.kind == "text":
            return self._translation(voice, event)
        found = self._speech(voice, event)
        self._sweep(event.segment)
        return found

    def silence(self, segment: int) -> None:
        """Forgets all segments before `segment`: nobody wants to hear them any more."""
        for number in [number for number in self._segments if number < segment]:
            del self._segments[number]

    def _transcript(self, state: _Segment, event: Event) -> list[Fact]:
        if state.transcript is not None:
            return []
        state.transcript = event
        silent: list[Fact] = []
        for target, voice in state.voices.items():
            voice.translators.add(event.attempt)
            if event.text and not voice.finished and _silent(state, target, event):
                voice.finished = True
                silent.append(Whole(event.segment, target))
            voice.finished |= not event.text
        self._sweep(event.segment)
        return [Transcribed(event), *silent]

    def _translation(self, voice: Voice, event: Event) -> list[Fact]:
        if voice.translation is not None or event.attempt not in voice.translators:
            return []
        voice.translation = event
        voice.speakers.add(event.attempt)
        return [Translated(event)]

    def _speech(self, voice: Voice, event: Event) -> list[Fact]:
        if event.attempt not in voice.speakers or voice.chosen not in (None, event.attempt):
            return []
        if event.kind == "done":
            if voice.index < event.index:
                return [Torn(event)]
            voice.finished = True
            return [Whole(event.segment, event.target or "")]
        # Behind a piece that was lost on its way (a Redis that came back empty) none is heard.
        if event.index != voice.index:
            return []
        voice.chosen = event.attempt
        voice.index += 1
        if event.sentence < voice.sentences:
            return []
        if event.last:
            voice.sentences = event.sentence + 1
        return [Piece(event)]

    def _again(self, decision: Decision) -> list[Fact]:
        state = self._segments.get(decision.segment)
        voice = state.voices.get(decision.target or "") if state else None
        if voice is None or voice.finished:
            return []
        if decision.stage == "translation":
            voice.translators.add(decision.attempt)
            return []
        voice.speakers.add(decision.attempt)
        if voice.chosen is None:
            return []
        voice.chosen, voice.index = decision.attempt, 0
        return [Rewound(decision.segment, decision.target or "", voice.sentences)]

    def _give_up(self, decision: Decision) -> list[Fact]:
        state = self._segments.get(decision.segment)
        if state is None:
            return []
        lost = [
            voice
            for target, voice in state.voices.items()
            if decision.target in (None, target) and not voice.finished
        ]
        for voice in lost:
            voice.finished = True
        self._sweep(decision.segment)
        return [Decided(decision)] if lost else []

    def _sweep(self, number: int) -> None:
        """Forgets a segment of which nothing more can come."""
        state = self._segments[number]
        if all(voice.finished for voice in state.voices.values()):
            del self._segments[number]


def _silent(state: _Segment, target: str, transcript: Event) -> bool:
    """Whether nothing is spoken to those who listen in `target`, since they heard it from the speaker."""
    return state.floor == "silent" and same(transcript.language or "", target)


def _counts(state: _Segment, event: Event) -> bool:
    """Whether the attempt may still be the one that is shown or heard."""
    if event.stage == "stt":
        return state.transcript is None
    voice = state.voices.get(event.target or "")
    if voice is None or voice.finished:
        return False
    if event.stage == "translation":
        return voice.translation is None and event.attempt in voice.translators
    return event.attempt in voice.speakers and voice.chosen in (None, event.attempt)
