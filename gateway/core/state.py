"""What is known of one segment that is not over, and of its speech in each target."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.types import Decision, Event


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


@dataclass(slots=True)
class State:
    """A segment. `original` is its sound, `given_up` whether no transcript will come."""

    cut: Decision
    voices: dict[str, Voice]
    transcript: Event | None = None
    original: Event | None = None
    given_up: bool = False
    attempts: int = 0

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
