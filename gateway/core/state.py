"""What is known of one segment that is not over, and of its speech in each target."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.types import Decision, Event
from gateway.core.facts import Fact, Piece, Torn, Translated, Whole


@dataclass(slots=True)
class Voice:
    """One target of a segment. `sentences` were heard whole, `index` is the piece that comes next; `floor`:
    it is the language that was spoken. Of a `mute` one only the words will come."""

    translators: set[int] = field(default_factory=set)
    speakers: set[int] = field(default_factory=set)
    translation: Event | None = None
    chosen: int | None = None
    index: int = 0
    sentences: int = 0
    finished: bool = False
    floor: bool = False
    mute: bool = False

    def translated(self, event: Event) -> list[Fact]:
        """Folds what translation made; the first counts."""
        if self.translation is not None or event.attempt not in self.translators:
            return []
        self.translation = event
        self.speakers.add(event.attempt)
        if not self.mute:
            return [Translated(event)]
        self.finished = True
        return [Translated(event), Whole(event.segment, event.target or "")]

    def spoken(self, event: Event) -> list[Fact]:
        """Folds what tts made; the attempt that delivers first is heard."""
        if self.mute or event.attempt not in self.speakers or self.chosen not in (None, event.attempt):
            return []
        if event.kind == "done":
            if self.index < event.index:
                return [Torn(event)]
            self.finished = True
            return [Whole(event.segment, event.target or "")]
        # Behind a piece that was lost on its way (a Redis that came back empty) none is heard.
        if event.index != self.index:
            return []
        self.chosen = event.attempt
        self.index += 1
        if event.sentence < self.sentences:
            return []
        if event.last:
            self.sentences = event.sentence + 1
        return [Piece(event)]


@dataclass(slots=True)
class State:
    """A segment. `original` is its sound, `given_up` whether no transcript will come. Of a `draft`, `held` is
    what its listeners will be told when it is promoted."""

    cut: Decision
    voices: dict[str, Voice]
    transcript: Event | None = None
    original: Event | None = None
    given_up: bool = False
    attempts: int = 0
    draft: bool = False
    held: list[Fact] = field(default_factory=list)

    @property
    def spoken(self) -> str | None:
        """The language that was spoken, None as long as it is not known."""
        return self.transcript.language if self.transcript else self.cut.source

    def counts(self, event: Event) -> bool:
        """Whether the attempt may still be the one that is shown or heard."""
        if event.stage == "stt":
            return self.transcript is None
        voice = self.voices.get(event.target or "")
        if voice is None or voice.finished or voice.floor:
            return False
        if event.stage == "translation":
            return voice.translation is None and event.attempt in voice.translators
        return not voice.mute and event.attempt in voice.speakers and voice.chosen in (None, event.attempt)
