"""What is known of a segment's speech in one target: which attempt is heard, how far, what waits behind."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.types import Decision, Event
from gateway.core.facts import (
    Fact,
    Headed,
    HeadSpoken,
    Piece,
    Refused,
    Rewound,
    Taken,
    Torn,
    Translated,
    Whole,
)


@dataclass(slots=True)
class Voice:
    """`sentences` were heard whole, `index` is the piece that comes next; `floor`: it is the language that
    was spoken. Of a `mute` one only the words will come.

    `head` went to tts before the rest was translated. Until it is spoken it is `leading`, and what is
    reported of the rest, by attempt `second`, waits in `behind`.
    """

    translators: set[int] = field(default_factory=set)
    speakers: set[int] = field(default_factory=set)
    translation: Event | None = None
    head: Event | None = None
    leading: bool = False
    second: int | None = None
    behind: list[Event] = field(default_factory=list)
    chosen: int | None = None
    index: int = 0
    sentences: int = 0
    finished: bool = False
    floor: bool = False
    mute: bool = False

    @property
    def begun(self) -> bool:
        """Whether any of it may be heard."""
        return self.chosen is not None or self.sentences > 0

    def counts(self, event: Event) -> bool:
        """Whether the attempt may still be the one that is shown or heard."""
        if self.finished or self.floor:
            return False
        if event.stage == "translation":
            return self.translation is None and event.attempt in self.translators
        if self.mute:
            return False
        if event.part:
            return event.attempt == self.second
        return event.attempt in self.speakers and self.chosen in (None, event.attempt)

    def report(self, event: Event) -> list[Fact]:
        """Folds what a worker of translation or tts reports."""
        if not self.counts(event):
            return []
        if event.part and self.leading and event.kind != "started":
            self.behind.append(event)
            return []
        match event.kind:
            case "started":
                return [Taken(event)]
            case "failed":
                return [Refused(event)]
            case "head":
                return self._headed(event)
            case "text":
                return self._translated(event)
            case "done":
                return self._done(event)
        return self._piece(event)

    def again(self, decision: Decision) -> list[Fact]:
        """Folds that translation or tts was sent once more."""
        if decision.stage == "translation":
            if self.head is None or decision.skip:
                self.translators.add(decision.attempt)
            return []
        # The head is no whole: what was begun of it goes on in one piece with the rest.
        if self.head is not None:
            self.speakers, self.second, self.leading = set(), None, False
            self.behind.clear()
            self.chosen = decision.attempt
        self.speakers.add(decision.attempt)
        if self.chosen is None:
            return []
        self.chosen, self.index = decision.attempt, 0
        return [Rewound(decision.segment, decision.target or "", self.sentences)]

    def _headed(self, event: Event) -> list[Fact]:
        """The first head that is told is the one: who did not begin with it cannot go on from there."""
        if self.head is not None:
            return []
        self.head, self.leading = event, True
        self.translators, self.speakers = {event.attempt}, {event.attempt}
        return [Headed(event)]

    def _translated(self, event: Event) -> list[Fact]:
        if event.skip != (self.head.skip if self.head else 0):
            return []  # it goes on from a head that was lost on its way
        self.translation = event
        if self.head is None:
            self.speakers.add(event.attempt)
        else:
            self.second = event.attempt
        if not self.mute:
            return [Translated(event)]
        self.finished = True
        return [Translated(event), Whole(event.segment, event.target or "")]

    def _done(self, event: Event) -> list[Fact]:
        if self.index < event.index:
            return [Torn(event)]
        if not self.leading:
            self.finished = True
            return [Whole(event.segment, event.target or "")]
        self.leading, self.chosen, self.index = False, None, 0
        self.speakers.clear()
        waiting, self.behind = self.behind, []
        after = [fact for held in waiting for fact in self.report(held)]
        return [HeadSpoken(event.segment, event.target or ""), *after]

    def _piece(self, event: Event) -> list[Fact]:
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
