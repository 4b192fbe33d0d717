"""One conversation as this gateway sees it: who decides and who listens here, on one journal.

A lone session is a room of one that hears its own translations.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from bridge.types import Decision, Entry, Event
from gateway.core import inputs
from gateway.core.effects import Append, Effect, Timer
from gateway.core.ledger import Ledger
from gateway.core.listener import Listener, Resample
from gateway.core.speaker import Speaker
from gateway.core.terms import Patience, Terms

CONFIRM = 2.0
"""Seconds in which a decision must come back from the journal; else it is written again."""
_HEARD = ("joined", "paused", "resumed", "stopped", "ended")


class Reader:
    """Folds a journal for one listener of one speaker: all that a gateway needs to serve them."""

    def __init__(self, session: str, resample: Resample, first: int | None = None) -> None:
        """`first` is the number of the decision that it begins with, None for the first that it reads."""
        self.ledger = Ledger()
        self.listener = Listener(resample)
        self._session = session
        self._next = first

    def fold(self, entry: Entry, speaker: Speaker | None, now: float) -> list[Effect]:
        """What an entry brings about for the listener, and for the speaker where it is held here."""
        item = entry.item
        if not isinstance(item, Event | Decision) or item.session != self._session:
            return []
        if isinstance(item, Decision):
            if not self.awaits(item):
                return []
            self._next = item.number + 1
            if item.kind in _HEARD:
                return self._heard(entry.at, item, speaker)
        effects: list[Effect] = []
        for fact in self.ledger.report(item) if isinstance(item, Event) else self.ledger.decide(item):
            effects += self.listener.found(entry.at, fact)
            if speaker is not None:
                effects += speaker.found(fact, now)
        return effects

    def awaits(self, decision: Decision) -> bool:
        """Whether it is the next one: not written twice, and none before it was lost."""
        return self._next is None or decision.number == self._next

    def _heard(self, at: float, decision: Decision, speaker: Speaker | None) -> list[Effect]:
        effects: list[Effect] = []
        if decision.kind == "stopped":
            self.ledger.silence(decision.segment)
            if speaker is not None:
                effects += speaker.silenced(decision.segment)
        return [*effects, *self.listener.decided(at, decision)]


class Room:
    """A room of one: `handle` is all there is to it."""

    def __init__(self, session: str, terms: Terms, patience: Patience, most: int, resample: Resample) -> None:
        self.session = session
        self._reader = Reader(session, resample, first=0)
        self.speaker = Speaker(session, session, terms, self._reader.ledger, patience, most)
        self._decisions = 0
        self._unconfirmed: dict[int, tuple[float, Decision]] = {}
        self._paused = False
        self._armed = inf

    def handle(self, given: inputs.Input, now: float) -> list[Effect]:
        """What an input brings about; `now` in seconds on the runner's clock."""
        if isinstance(given, inputs.Arrived):
            return self.speaker.handle(given, now)  # fifty times a second: nothing else depends on it
        effects = self._handle(given, now)
        if not effects and isinstance(given, inputs.Windows | inputs.Looked):
            return []
        numbered = [self._numbered(effect, now) for effect in effects]
        return [*numbered, *self._timer()]

    def _handle(self, given: inputs.Input, now: float) -> list[Effect]:
        match given:
            case Entry(_, item):
                if isinstance(item, Decision) and item.session == self.session and self._reader.awaits(item):
                    self._unconfirmed.pop(item.number, None)
                return self._reader.fold(given, self.speaker, now)
            case inputs.Pause():
                self._paused = True
                return [Append(Decision("paused", self.session))]
            case inputs.Resume():
                self._paused = False
                return [Append(Decision("resumed", self.session))]
            case inputs.Stop():
                return [Append(Decision("stopped", self.session, segment=self.speaker.stop()))]
            case inputs.End() if self._paused:
                # What was said is spoken to its end: nobody could resume after it.
                return [*self._handle(inputs.Resume(), now), *self.speaker.handle(given, now)]
            case inputs.Lost():
                due = {number: (now, decision) for number, (_, decision) in self._unconfirmed.items()}
                self._unconfirmed.update(due)
                return [*self._repeat(now), *self.speaker.handle(given, now)]
            case inputs.Tick():
                self._armed = inf
                return [*self._repeat(now), *self.speaker.handle(given, now)]
        return self.speaker.handle(given, now)

    def join(self, now: float) -> list[Effect]:
        """The session listens from here on: the first decision of all."""
        terms = self.speaker.terms
        joined = Decision("joined", self.session, targets=terms.targets, rate=terms.rate)
        return [self._numbered(Append(joined), now), *self._timer()]

    def _numbered(self, effect: Effect, now: float) -> Effect:
        if not isinstance(effect, Append) or effect.decision.number >= 0:
            return effect
        decision = replace(effect.decision, number=self._decisions)
        self._decisions += 1
        self._unconfirmed[decision.number] = (now + CONFIRM, decision)
        return Append(decision)

    def _repeat(self, now: float) -> list[Effect]:
        """Decisions that the journal lost, in their order: a reader counts each once."""
        due = [number for number, (when, _) in self._unconfirmed.items() if now >= when]
        if not due:
            return []
        # All from the first one on, since a reader takes no number below the one it has.
        later = sorted(number for number in self._unconfirmed if number >= min(due))
        for number in later:
            self._unconfirmed[number] = (now + CONFIRM, self._unconfirmed[number][1])
        return [Append(self._unconfirmed[number][1]) for number in later]

    def _timer(self) -> list[Effect]:
        confirm = min((when for when, _ in self._unconfirmed.values()), default=inf)
        at = min(self.speaker.next, confirm)
        if at >= self._armed:
            return []
        self._armed = at
        return [Timer(at)]
