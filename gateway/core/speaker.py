"""One speaker: where speech begins and ends, in which terms it is understood, and when all was said.

The gateway that holds the speaker's connection decides, and writes each decision into the room's journal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from bridge.languages import same
from bridge.types import SPEECH_RATE, Decision, Event, Target, Work
from gateway.core import cuts, facts, inputs
from gateway.core.effects import Append, Effect, Report, Taken
from gateway.core.ledger import Ledger
from gateway.core.segmenter import Segmenter
from gateway.core.supervision import Supervision
from gateway.core.terms import Patience, Terms
from gateway.core.timings import Arrivals

AHEAD = 2 * SPEECH_RATE
"""Samples ahead, of the segmenter and of time, from which a sender counts as a recording, not a voice."""


Audience = Callable[[str | None], tuple[Target, ...]]
"""Who listens at the moment to what is spoken in a language, None for one to be detected."""


@dataclass(frozen=True, slots=True)
class Takeover:
    """What is known of a session that another gateway held, besides its journal.

    Its audio is judged from sample `at` on, where it was `voiced` or not; at least `segments` were cut; the
    speech of `unstored` is not in Redis.
    """

    at: int = 0
    voiced: bool = False
    segments: int = 0
    unstored: Set[int] = frozenset()


class Speaker:
    """Inputs and times in, effects out. `ledger` is what the journal says of this speaker's segments."""

    def __init__(
        self,
        session: str,
        room: str,
        terms: Terms,
        ledger: Ledger,
        patience: Patience,
        most: int,
        audience: Audience | None = None,
    ) -> None:
        """`audience` says who listens at the moment, where it is not the speaker who decides that."""
        self.terms = terms
        self.segments_cut = 0
        self._session = session
        self._room = room
        self._ledger = ledger
        self._supervision = Supervision(session, ledger, patience)
        self._most = most
        self._audience = audience
        self._probabilities: deque[float] = deque()
        self._segmenter = self._from(0, 0)
        self._unsafe: dict[int, int] = {}
        self._wanted: Terms | None = None
        self._wanted_from = 0
        self._begun: dict[int, Terms] = {}
        self._arrivals = Arrivals()
        self._samples = 0
        self._began: float | None = None
        self._silent_until = 0
        self._ending = False
        self._ended = False

    @property
    def hungry(self) -> bool:
        """Whether more audio may be judged: fewer segments are in work than the session may have."""
        return len(self._supervision) < self._most

    @property
    def works(self) -> bool:
        """Whether engines have anything to do for it."""
        return bool(len(self._supervision))

    @property
    def busy(self) -> bool:
        """Whether anything that was said is not heard to its end yet."""
        return not self._ended and (self.works or self._segmenter.speaking)

    @property
    def next(self) -> float:
        """When the next tick matters, infinity where none does."""
        return self._supervision.next

    @property
    def first(self) -> int:
        """The first sample that is needed yet: what was before is cut and stored, or silence."""
        return min([self._segmenter.first, *self._unsafe.values()])

    @property
    def voiced(self) -> bool:
        """Whether the last window held speech."""
        return self._segmenter.voiced

    @property
    def agreed(self) -> Terms:
        """The terms that will hold next, those of the running segment aside."""
        return self._wanted or self.terms

    def handle(self, given: inputs.Input, now: float) -> list[Effect]:
        """What an input brings about; `now` in seconds."""
        match given:
            case inputs.Arrived(samples):
                self._arrived(samples, now)
                return []
            case inputs.Windows(pcm, probabilities):
                self._probabilities.extend(probabilities)
                return self._follow(self._segmenter.feed(pcm), now)
            case inputs.Commit():
                return self._follow(self._segmenter.commit(), now)
            case inputs.Update(terms):
                self._update(terms)
                return []
            case inputs.End(probability):
                return self._end(probability, now)
            case inputs.Sent(segment, "stt"):
                self._unsafe.pop(segment, None)
        return self._supervision.handle(given, now)

    def also(self, now: float) -> list[Effect]:
        """Somebody may listen in a language in which nobody did."""
        return self._supervision.also(self._targets(self.terms), now)

    def adopt(self, takeover: Takeover, now: float) -> list[Effect]:
        """Goes on with what another gateway began; says from which sample on the client's audio is wanted.

        Segments whose speech that gateway did not store are cut anew, where the client still has it.
        """
        lost = [
            state.cut
            for state in self._ledger.open
            if state.transcript is None and state.cut.segment in takeover.unstored
        ]
        numbers = frozenset(cut.segment for cut in lost)
        given_up = self._supervision.adopt(self._work(self.terms), now, numbers)
        at = min((cut.start for cut in lost), default=self._ledger.end)
        self.segments_cut = max(takeover.segments, self._ledger.segments)
        self._segmenter = self._from(self.segments_cut, takeover.at, at, takeover.voiced)
        self._samples = takeover.at
        return [*given_up, Taken(takeover.at)]

    def _from(self, segment: int, at: int, given: int = 0, voiced: bool = False) -> Segmenter:
        def judge(_: bytes) -> float:
            return self._probabilities.popleft()

        return Segmenter(self.terms.cutting, judge, segment, at, given, voiced)

    def _targets(self, terms: Terms) -> tuple[Target, ...]:
        return terms.targets if self._audience is None else self._audience(terms.source)

    def _work(self, terms: Terms) -> Work:
        """What all work of the session has in common."""
        return Work(
            self._session,
            0,
            self._room,
            source=terms.source,
            among=terms.among,
            prior=self._ledger.language if terms.among else "",
            floor=terms.floor,
            rate=terms.rate,
        )

    def found(self, fact: facts.Fact, now: float) -> list[Effect]:
        """What the journal, folded by the ledger, says of the segments."""
        effects = self._supervision.found(fact, now)
        if isinstance(fact, facts.Transcribed):
            self._unsafe.pop(fact.event.segment, None)
        elif isinstance(fact, facts.Decided) and fact.decision.kind == "gave_up":
            self._unsafe.pop(fact.decision.segment, None)
        return [*effects, *self._end_if_over()]

    def stop(self) -> int:
        """Silences all that was said so far, also what still waits to be cut: returns the first number that
        is heard again. A segment that goes on after this moment is heard."""
        self._silent_until = self._samples
        return self.segments_cut

    def silenced(self, before: int) -> list[Effect]:
        """The journal says that nobody wants to hear the segments before `before`."""
        self._unsafe = {number: at for number, at in self._unsafe.items() if number >= before}
        return [*self._supervision.silenced(before), *self._end_if_over()]

    def unheard(self) -> list[tuple[int, int]]:
        """(segment, revision) of the speech that no transcript has replaced yet."""
        return self._supervision.unheard()

    # From the client

    def _arrived(self, samples: int, now: float) -> None:
        if self._began is None:
            self._began = now
        self._samples = samples
        self._arrivals.note(samples, now)

    def _update(self, terms: Terms) -> None:
        self._wanted, self._wanted_from = terms, self._segmenter.received
        self._segmenter.configure(terms.cutting)
        self._adopt()

    def _adopt(self) -> None:
        """New terms hold between two segments, never within one."""
        if self._wanted is not None and not self._segmenter.speaking:
            self.terms, self._wanted = self._wanted, None

    def _end(self, probability: float, now: float) -> list[Effect]:
        self._probabilities.append(probability)
        effects = self._follow(self._segmenter.flush(), now)
        self._ending = True
        return [*effects, *self._end_if_over()]

    def _end_if_over(self) -> list[Effect]:
        if not self._ending or self._ended or len(self._supervision):
            return []
        self._ended = True
        return [Append(Decision("ended", self._session))]

    # From the segmenter

    def _follow(self, reports: Sequence[cuts.Report], now: float) -> list[Effect]:
        effects: list[Effect] = []
        for report in reports:
            if isinstance(report, cuts.Started):
                if self._wanted is not None and report.at >= self._wanted_from:
                    self.terms, self._wanted = self._wanted, None
                self._begun[report.segment] = self.terms
                effects.append(Append(Decision("began", self._session, segment=report.segment)))
            elif isinstance(report, cuts.Cut):
                effects += self._cut(report, now)
                if self._wanted is not None:
                    self.terms, self._wanted = self._wanted, None
        self._adopt()
        return effects

    def _cut(self, cut: cuts.Cut, now: float) -> list[Effect]:
        terms = self._begun.pop(cut.segment)
        live = not self._piles_up(cut.end, now)
        said = self._arrivals.at(cut.speech_end)
        endpoint_ms = round((now - said) * 1000, 2)
        self._arrivals.forget_before(cut.speech_end)
        self.segments_cut = cut.segment + 1
        silent = cut.speech_end <= self._silent_until
        targets = () if silent else self._targets(terms)
        decision = Decision(
            "cut",
            self._session,
            segment=cut.segment,
            revision=cut.revision,
            start=cut.start,
            end=cut.end,
            speech_end=cut.speech_end,
            endpoint_ms=endpoint_ms,
            source=terms.source,
            targets=targets,
            floor=terms.floor,
        )
        if not targets:
            return [Append(decision)]
        self._unsafe[cut.segment] = cut.start
        work = self._work(terms).but(segment=cut.segment, revision=cut.revision)
        sent = self._supervision.begin(cut, work, targets, live, now, said)
        return [Append(decision), *self._floor(cut, terms, targets), sent]

    def _floor(self, cut: cuts.Cut, terms: Terms, targets: Sequence[Target]) -> list[Effect]:
        """What was spoken as it is, where somebody listens who understands it, or may."""
        source = terms.source
        if terms.floor != "voice" or not any(source is None or same(to.language, source) for to in targets):
            return []
        sound = Event("floor", "stt", self._session, cut.segment, cut.revision, pcm=cut.pcm, rate=SPEECH_RATE)
        return [Report(sound)]

    def _piles_up(self, at: int, now: float) -> bool:
        """Whether audio waits to be cut behind sample `at`, and came faster than anybody speaks."""
        spoken = (now - (self._began or now)) * SPEECH_RATE
        return self._samples - at > AHEAD and self._samples - spoken > AHEAD
