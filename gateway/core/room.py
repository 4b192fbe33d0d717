"""One conversation as this gateway sees it: a fold of its journal, for those who speak and listen here.

A lone session is a room of one that hears its own translations.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from math import inf

from bridge.languages import same
from bridge.types import Decision, Entry, Presence, Target
from gateway.core import effects, facts, inputs
from gateway.core.effects import Effect, For
from gateway.core.flight import Recorded, Recorder
from gateway.core.ledger import Ledger
from gateway.core.listener import Listener
from gateway.core.participant import Participant
from gateway.core.roster import Roster
from gateway.core.streams import Resample
from gateway.core.tuning import Tuning

_WISHES = ("paused", "resumed", "stopped", "ended")


class Track:
    """One session in the journal: its ledger, and which of its decisions comes next.

    `first` is the number of that decision, None for whichever is read first.
    """

    def __init__(self, session: str, first: int | None = None) -> None:
        self.ledger = Ledger(session)
        self.recorder = Recorder(session)
        self._fence = 0
        self._next = first

    def takes(self, decision: Decision) -> bool:
        """Whether a decision is the next one: not written twice, none before it lost, and not one of a
        gateway that had to leave the session to another."""
        if decision.fence < self._fence:
            return False
        if decision.fence == self._fence and self._next not in (None, decision.number):
            return False
        self._fence, self._next = decision.fence, decision.number + 1
        return True


class Room:
    """`handle` is all there is to it. `patience` is for how long, in seconds, a segment is waited for;
    `offered` says which pairs of languages can be translated at the moment; `closed`, that it was ended."""

    def __init__(self, resample: Resample, patience: float = inf) -> None:
        self.roster = Roster()
        self.closed = False
        self.here: dict[str, Participant] = {}
        self.listeners: dict[Tuning, Listener] = {}
        self._resample = resample
        self._patience = patience
        self._tracks: dict[str, Track] = {}
        self.offered: Callable[[], Set[tuple[str, str]]] = frozenset

    @property
    def works(self) -> bool:
        """Whether engines have anything to do for those who are held here."""
        return any(who.speaker is not None and who.speaker.works for who in self.here.values())

    def ledger(self, session: str, *, new: bool = False) -> Ledger:
        """What the journal says of a session; a `new` one has decided nothing yet."""
        return self._track(session, 0 if new else None).ledger

    def tune(self, tuning: Tuning) -> Listener:
        """Who listens in this way, from here on if nobody did."""
        if tuning not in self.listeners:
            self.listeners[tuning] = Listener(tuning, self._resample, self._patience)
        return self.listeners[tuning]

    def audience(self, source: str | None) -> tuple[Target, ...]:
        """The languages in which somebody listens and which `source` can be heard in."""
        pairs = self.offered() if source is not None else ()
        return tuple(
            Target(language)
            for language in self.roster.listeners
            if source is None or (source, language) in pairs or same(source, language)
        )

    def watched(self, source: str | None) -> tuple[Target, ...] | None:
        """Those of the audience in whose language somebody wants to see what `source` says while it is said;
        None where nobody wants to see even the words themselves."""
        wanted = self.roster.partials
        return tuple(to for to in self.audience(source) if to.language in wanted) if wanted else None

    def handle(self, given: inputs.Input, now: float, session: str = "") -> list[For]:
        """What an input brings about: of one session, or of all where none is named; `now` in seconds."""
        if isinstance(given, Entry):
            return self._fold(given, now)
        if isinstance(given, inputs.Attended):
            return self._also(now) if self.roster.replace(given.presences) else []
        if session:
            found = self.here[session].handle(given, now)
            return [For(session, found)] if found else []
        each = [For(name, who.handle(given, now)) for name, who in self.here.items()]
        return [found for found in each if found.effects]

    def _track(self, session: str, first: int | None = None) -> Track:
        if session not in self._tracks:
            self._tracks[session] = Track(session, first)
        return self._tracks[session]

    def _fold(self, entry: Entry, now: float) -> list[For]:
        item = entry.item
        if item is None:
            return []
        if isinstance(item, Presence):
            return self._also(now) if self.roster.put(item) else []
        if isinstance(item, Decision):
            return self._decided(entry.at, item, now)
        track = self._track(item.session)
        return self._told(entry.at, track.ledger, track.ledger.report(item), now)

    def _also(self, now: float) -> list[For]:
        """Other people listen: perhaps in a language that nobody asked for before."""
        each = [For(session, who.also(now)) for session, who in self.here.items()]
        return [found for found in each if found.effects]

    def _decided(self, at: float, decision: Decision, now: float) -> list[For]:
        if decision.kind == "closed":
            self.closed = True
            return [For(session, [effects.Closed()]) for session in self.here]
        track = self._track(decision.session)
        if not track.takes(decision):
            return []
        ledger, here = track.ledger, self.here.get(decision.session)
        if here is not None and decision.fence > here.fence:
            return [For(decision.session, [effects.Lost()])]
        track.recorder.decided(at, decision)
        ours = here is not None and decision.fence == here.fence
        confirmed = here.confirmed(decision, now) if here and ours else []
        found = [For(decision.session, confirmed)] if confirmed else []
        if decision.kind in _WISHES:
            return [*found, *self._wished(at, decision, ledger, here, now)]
        return [*found, *self._told(at, ledger, ledger.decide(decision), now)]

    def _wished(
        self, at: float, decision: Decision, ledger: Ledger, here: Participant | None, now: float
    ) -> list[For]:
        found: list[For] = []
        if decision.kind == "stopped" and not decision.speaker:
            ledger.silence(decision.segment)
            self._tracks[decision.session].recorder.silenced(decision.segment)
            if here is not None:
                found.append(For(decision.session, here.silenced(decision.segment, now)))
            found += self._recorded(decision.session)
        for tuning, listener in self.listeners.items():
            if tuning.own == decision.session:
                found.append(For(tuning, listener.decided(at, decision)))
        if decision.kind == "ended":
            self._tracks[decision.session].ledger = Ledger(decision.session)  # it held its last sound
        return found

    def _told(self, at: float, who: Ledger, told: list[facts.Fact], now: float) -> list[For]:
        """Facts for all who listen, and for the speaker where it is held here."""
        found: list[For] = []
        here, recorder = self.here.get(who.session), self._tracks[who.session].recorder
        for fact in told:
            recorder.found(at, fact)
            if not isinstance(fact, facts.Early):
                heard = fact.fact if isinstance(fact, facts.Late) else fact
                found += self._heard(at, heard, who)
                if here is not None and isinstance(heard, facts.Piece):
                    here.heard(heard.event, at, now)
            if here is None or isinstance(fact, facts.Late):
                continue
            if acted := here.found(fact, now):
                found.append(For(who.session, acted))
        return [*found, *self._recorded(who.session)]

    def _recorded(self, session: str) -> list[For]:
        """The records of the segments that are over, where the speaker is held here."""
        done = self._tracks[session].recorder.take()
        return [For(session, [*map(Recorded, done)])] if done and session in self.here else []

    def _heard(self, at: float, fact: facts.Fact, who: Ledger) -> list[For]:
        each = [For(tuning, listener.found(at, fact, who)) for tuning, listener in self.listeners.items()]
        return [found for found in each if found.effects]


def effects_of(found: list[For]) -> list[Effect]:
    """All of them, whomever they concern."""
    return [effect for each in found for effect in each.effects]
