"""A session that this gateway holds: what it decides, in order, until the journal has taken it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf

from bridge.types import Decision, Event
from gateway.core import facts, inputs
from gateway.core.backlog import NEVER, Backlog, CatchUp
from gateway.core.bargein import BARGE_IN, BargeIn, Wish
from gateway.core.effects import Append, Control, Effect, Submit, Taken, Timer
from gateway.core.speaker import Speaker
from gateway.core.takeover import Takeover

CONFIRM = 2.0
"""Seconds in which a decision must come back from the journal; else it is written again."""
_WISHES = ("paused", "resumed", "stopped")


class Participant:
    """One who speaks, listens or both. `speaker` is None for one who only listens.

    `number` and `name` are what a room knows it by, 0 in a room of one. `fence` counts the gateways that
    held it before.
    """

    def __init__(
        self,
        session: str,
        speaker: Speaker | None,
        number: int = 0,
        name: str = "",
        fence: int = 0,
        catch_up: CatchUp = NEVER,
        begun: Callable[[], int] = lambda: -1,
    ) -> None:
        """`begun` is the last segment whose speech the session began to hear, -1 before the first."""
        self.session = session
        self.speaker = speaker
        self.number = number
        self.name = name
        self.fence = fence
        self._decisions = 0
        self._unconfirmed: dict[int, tuple[float, Decision]] = {}
        self._paused = False
        self._barge_in = BargeIn(speaker.terms) if speaker else None
        self._begun = begun
        self._takeover: Takeover | None = None
        self._armed = inf
        self._backlog = Backlog(catch_up)

    def join(self, now: float) -> list[Effect]:
        """It is there from here on: the first decision of all."""
        terms = self.speaker.terms if self.speaker else None
        joined = Decision("joined", self.session)
        if terms is not None and not self.number:
            joined = replace(joined, targets=terms.targets, rate=terms.rate)
        return self._done([Append(joined)], now)

    def take(self, takeover: Takeover, now: float) -> list[Effect]:
        """It comes from another gateway: from this decision on, that one's count no more."""
        self._takeover = takeover
        return self._done([Append(Decision("taken", self.session))], now)

    def handle(self, given: inputs.Input, now: float) -> list[Effect]:
        """What an input brings about; `now` in seconds on the runner's clock."""
        if isinstance(given, inputs.Arrived):  # fifty times a second
            self._backlog.arrived(given.samples, now)
            return self._spoken(given, now)
        if isinstance(given, inputs.Behind):
            self._backlog.told(given.seconds, now)
            return []
        effects = [*self._interrupted(given, now), *self._handle(given, now)]
        if not effects and isinstance(given, inputs.Windows | inputs.Looked):
            return []
        return self._done(effects, now)

    def found(self, fact: facts.Fact, now: float) -> list[Effect]:
        """What the journal says of its speech."""
        return self._done(self.speaker.found(fact, now), now) if self.speaker else []

    def heard(self, piece: Event, at: float, now: float) -> None:
        """A piece of its speech, written at `at`, was released to those who listen."""
        self._backlog.heard(piece, at, now)

    def silenced(self, before: int, now: float) -> list[Effect]:
        """The journal says that nobody wants to hear its segments before `before`."""
        return self._done(self.speaker.silenced(before), now) if self.speaker else []

    def also(self, now: float) -> list[Effect]:
        """Somebody may listen in a language in which nobody did."""
        return self._done(self.speaker.also(now), now) if self.speaker else []

    def confirmed(self, decision: Decision, now: float) -> list[Effect]:
        """The journal has a decision of this gateway."""
        self._unconfirmed.pop(decision.number, None)
        if decision.kind != "taken" or self._takeover is None:
            return []
        takeover, self._takeover = self._takeover, None
        return self._done(self.speaker.adopt(takeover, now) if self.speaker else [Taken(0)], now)

    def _handle(self, given: inputs.Input, now: float) -> list[Effect]:
        match given:
            case inputs.Pause():
                self._paused = True
                return [Append(Decision("paused", self.session))]
            case inputs.Resume():
                self._paused = False
                return [Append(Decision("resumed", self.session))]
            case inputs.Stop():
                alone = self.speaker is not None and not self.number
                before = self.speaker.stop() if alone and self.speaker else 0
                if alone:
                    self._backlog.told(0.0, now)
                return [Append(Decision("stopped", self.session, segment=before))]
            case inputs.End() if self._paused:
                # What was said is spoken to its end: nobody could resume after it.
                return [*self._handle(inputs.Resume(), now), *self._spoken(given, now)]
            case inputs.End() if self.speaker is None:
                return [Append(Decision("ended", self.session))]
            case inputs.Lost():
                due = {number: (now, decision) for number, (_, decision) in self._unconfirmed.items()}
                self._unconfirmed.update(due)
                return [*self._repeat(now), *self._spoken(given, now)]
            case inputs.Tick():
                self._armed = inf
                return [*self._repeat(now), *self._spoken(given, now)]
        return self._spoken(given, now)

    def _interrupted(self, given: inputs.Input, now: float) -> list[Effect]:
        """What the session's own speech does to what is spoken to it."""
        wishes = self._barge_in.handle(given, now) if self._barge_in else []
        return [
            Append(Decision(wish, self.session, segment=self._before(wish), code=BARGE_IN)) for wish in wishes
        ]

    def _before(self, wish: Wish) -> int:
        """The first segment that is heard again; in a room the fold of each listener knows."""
        return self._begun() + 1 if wish == "stopped" and not self.number else 0

    def _spoken(self, given: inputs.Input, now: float) -> list[Effect]:
        return self.speaker.handle(given, now) if self.speaker else []

    def _done(self, effects: list[Effect], now: float) -> list[Effect]:
        numbered = [each for effect in effects for each in self._numbered(effect, now)]
        return [*numbered, *self._timer()]

    def _numbered(self, effect: Effect, now: float) -> Iterator[Effect]:
        if isinstance(effect, Submit):
            effect = self._backlog.paced(effect, now)
        if not isinstance(effect, Append) or effect.decision.number >= 0:
            yield effect
            return
        decision = replace(
            effect.decision,
            number=self._decisions,
            fence=self.fence,
            speaker=self.number,
            name=self.name,
            at=now,
        )
        self._decisions += 1
        self._unconfirmed[decision.number] = (now + CONFIRM, decision)
        yield Append(decision)
        # In a room the speech is made for everybody: it is not the workers' affair who pauses.
        if decision.kind in _WISHES and not self.number:
            yield Control(decision)

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
        at = min(self.speaker.next if self.speaker else inf, confirm)
        at = min(at, self._barge_in.next if self._barge_in else inf)
        if at >= self._armed:
            return []
        self._armed = at
        return [Timer(at)]
