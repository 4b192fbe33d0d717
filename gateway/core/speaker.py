"""One speaker: where speech begins and ends, in which terms it is understood, and when all was said.

The gateway that holds the speaker's connection decides, and writes each decision into the room's journal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from bridge.types import SPEECH_RATE, Decision, Work
from gateway.core import inputs, ledger, segmenter
from gateway.core.effects import Append, Effect
from gateway.core.ledger import Ledger
from gateway.core.segmenter import Segmenter
from gateway.core.supervision import Supervision
from gateway.core.terms import Patience, Terms
from gateway.core.timings import Arrivals

AHEAD = 2 * SPEECH_RATE
"""Samples ahead, of the segmenter and of time, from which a sender counts as a recording, not a voice."""


class Speaker:
    """Inputs and times in, effects out. `ledger` is what the journal says of this speaker's segments."""

    def __init__(
        self, session: str, room: str, terms: Terms, ledger: Ledger, patience: Patience, most: int
    ) -> None:
        self.terms = terms
        self.segments_cut = 0
        self._session = session
        self._room = room
        self._supervision = Supervision(session, ledger, patience)
        self._most = most
        self._probabilities: deque[float] = deque()
        self._segmenter = Segmenter(terms.cutting, lambda window: self._probabilities.popleft())
        self._wanted: Terms | None = None
        self._wanted_from = 0
        self._begun: dict[int, Terms] = {}
        self._arrivals = Arrivals()
        self._samples = 0
        self._began: float | None = None
        self._silent_until = 0
        self._ending = False
        self._ended = False
        self._last = (-1, "")

    @property
    def hungry(self) -> bool:
        """Whether more audio may be judged: fewer segments are in work than the session may have."""
        return len(self._supervision) < self._most

    @property
    def next(self) -> float:
        """When the next tick matters, infinity where none does."""
        return self._supervision.next

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
        return self._supervision.handle(given, now)

    def found(self, fact: ledger.Fact, now: float) -> list[Effect]:
        """What the journal, folded by the ledger, says of the segments."""
        if isinstance(fact, ledger.Transcribed) and fact.event.text:
            self._last = max(self._last, (fact.event.segment, fact.event.language or ""))
        effects = self._supervision.found(fact, now)
        return [*effects, *self._end_if_over()]

    def stop(self) -> int:
        """Silences all that was said so far, also what still waits to be cut: returns the first number that
        is heard again. A segment that goes on after this moment is heard."""
        self._silent_until = self._samples
        return self.segments_cut

    def silenced(self, before: int) -> list[Effect]:
        """The journal says that nobody wants to hear the segments before `before`."""
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

    def _follow(self, reports: Sequence[segmenter.Report], now: float) -> list[Effect]:
        effects: list[Effect] = []
        for report in reports:
            if isinstance(report, segmenter.Started):
                if self._wanted is not None and report.at >= self._wanted_from:
                    self.terms, self._wanted = self._wanted, None
                self._begun[report.segment] = self.terms
                effects.append(Append(Decision("began", self._session, segment=report.segment)))
            elif isinstance(report, segmenter.Cut):
                effects += self._cut(report, now)
                if self._wanted is not None:
                    self.terms, self._wanted = self._wanted, None
        self._adopt()
        return effects

    def _cut(self, cut: segmenter.Cut, now: float) -> list[Effect]:
        terms = self._begun.pop(cut.segment)
        live = not self._piles_up(cut.end, now)
        endpoint_ms = round((now - self._arrivals.at(cut.speech_end)) * 1000, 2)
        self._arrivals.forget_before(cut.speech_end)
        self.segments_cut = cut.segment + 1
        silent = cut.speech_end <= self._silent_until
        floor = "silent" if terms.among else ""
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
            targets=() if silent else terms.targets,
            floor=floor,
        )
        if silent:
            return [Append(decision)]
        work = Work(
            self._session,
            cut.segment,
            self._room,
            revision=cut.revision,
            source=terms.source,
            among=terms.among,
            prior=self._last[1] if terms.among else "",
            floor=floor,
            rate=terms.rate,
        )
        return [Append(decision), self._supervision.begin(cut, work, terms.targets, live, now)]

    def _piles_up(self, at: int, now: float) -> bool:
        """Whether audio waits to be cut behind sample `at`, and came faster than anybody speaks."""
        spoken = (now - (self._began or now)) * SPEECH_RATE
        return self._samples - at > AHEAD and self._samples - spoken > AHEAD
