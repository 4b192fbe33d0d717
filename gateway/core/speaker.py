"""One speaker: where speech begins and ends, in which terms it is understood, and when all was said.

The gateway that holds the speaker's connection decides, and writes each decision into the room's journal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from bridge.types import Decision, Event, Target, Work
from gateway.core import cuts, facts, inputs
from gateway.core.agreed import Agreed
from gateway.core.drafts import told
from gateway.core.echo import Echoes
from gateway.core.effects import Append, Effect, Taken
from gateway.core.endpoint import Endpoint
from gateway.core.floor import floor
from gateway.core.ledger import Ledger
from gateway.core.segmenter import Segmenter
from gateway.core.supervision import Supervision
from gateway.core.takeover import Takeover
from gateway.core.terms import Audience, Patience, Terms
from gateway.core.timings import Arrivals, in_ms
from gateway.core.watch import Watch, Watched, clause_end


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
        watched: Watched | None = None,
        look_ms: int = 0,
    ) -> None:
        """`audience` says who listens at the moment, and `watched` who reads while it is said, where it is
        not the speaker who decides that. Of what is said it is asked every `look_ms`, 0 for never."""
        self.segments_cut = 0
        self._agreed = Agreed(terms)
        self._session = session
        self._room = room
        self._ledger = ledger
        self._supervision = Supervision(session, ledger, patience)
        self._most = most
        self._audience = audience
        self._watch = Watch(self._agreed, self._work, watched, look_ms)
        self._probabilities: deque[float] = deque()
        self._endpoint = Endpoint(terms.cutting)
        self._segmenter = self._from(0, 0)
        self._unsafe: dict[int, int] = {}
        self._revision = 0
        self._arrivals = Arrivals()
        self._silent_until = 0
        self._ending = self._ended = False

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
    def terms(self) -> Terms:
        """The terms that hold now."""
        return self._agreed.terms

    @property
    def agreed(self) -> Terms:
        """The terms that will hold next, those of the running segment aside."""
        return self._agreed.next

    def handle(self, given: inputs.Input, now: float) -> list[Effect]:
        """What an input brings about; `now` in seconds."""
        match given:
            case inputs.Arrived(samples):
                self._arrivals.note(samples, now)
                return []
            case inputs.Windows(pcm, probabilities, heard):
                self._probabilities.extend(probabilities)
                self._echoes.note(probabilities, heard, self.terms.cutting.threshold)
                return [*self._feed(pcm, now), *self._watch.look(self._segmenter, now, self._echoes)]
            case inputs.Commit():
                return self._follow(self._segmenter.commit(), now)
            case inputs.Update(terms):
                self._update(terms)
                return []
            case inputs.End(probability):
                return self._end(probability, now)
            case inputs.Skipped(stage, target):
                self._watch.partials.skipped(stage, target)
                return []
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
        lost = takeover.lost(self._ledger)
        given_up = self._supervision.adopt(self._work(self.terms), now, {cut.segment for cut in lost})
        at = min((cut.start for cut in lost), default=self._ledger.end)
        self.segments_cut = max(takeover.segments, self._ledger.segments)
        self._revision = self._ledger.revision
        self._segmenter = self._from(self.segments_cut, takeover.at, at, takeover.voiced)
        self._arrivals.samples = takeover.at
        return [*given_up, Taken(takeover.at)]

    def _from(self, segment: int, at: int, given: int = 0, voiced: bool = False) -> Segmenter:
        self._echoes, probabilities = Echoes(at), self._probabilities
        return Segmenter(self.terms.cutting, lambda _: probabilities.popleft(), segment, at, given, voiced)

    def _targets(self, terms: Terms) -> tuple[Target, ...]:
        return terms.targets if self._audience is None else self._audience(terms.source)

    def _work(self, terms: Terms) -> Work:
        """What all work of the session has in common."""
        return terms.work(self._session, self._room, self._ledger.language)

    def found(self, fact: facts.Fact, now: float) -> list[Effect]:
        """What the journal, folded by the ledger, says of the segments."""
        if isinstance(fact, facts.Partial):
            return self._seen(fact, now)
        if isinstance(fact, facts.Early):
            if not self._supervision.has(fact.segment, fact.revision):
                return []  # dropped a moment ago
            fact = fact.fact
        effects = self._supervision.found(fact, now)
        if isinstance(fact, facts.Transcribed):
            effects += self._understood(fact.event, now)
            self._unsafe.pop(fact.event.segment, None)
        elif isinstance(fact, facts.Decided) and fact.decision.kind == "gave_up":
            self._unsafe.pop(fact.decision.segment, None)
        return [*effects, *self._end_if_over()]

    def _seen(self, fact: facts.Partial, now: float) -> list[Effect]:
        """Of what is said just now, as far as it was understood."""
        part = self._segmenter.part
        if part is None or part.segment != fact.event.segment:
            return self._watch.partials.landed(fact.event)
        effects = self._watch.seen(fact, now)
        if self.hungry and (after := clause_end(fact)) is not None:
            effects += self._follow(self._segmenter.clause(part.segment, part.start + after), now)
        return effects

    def stop(self) -> int:
        """Silences all that was said so far, also what still waits to be cut: returns the first number that
        is heard again. A segment that goes on after this moment is heard."""
        self._silent_until = self._arrivals.samples
        return self.segments_cut

    def silenced(self, before: int) -> list[Effect]:
        """The journal says that nobody wants to hear the segments before `before`."""
        self._unsafe = {number: at for number, at in self._unsafe.items() if number >= before}
        return [*self._supervision.silenced(before), *self._end_if_over()]

    def unheard(self) -> list[tuple[int, int]]:
        """(segment, revision) of the speech that no transcript has replaced yet."""
        return self._supervision.unheard()

    # From the client

    def _update(self, terms: Terms) -> None:
        self._agreed.update(terms, self._segmenter.received)
        self._segmenter.configure(terms.cutting)
        self._adopt()

    def _adopt(self) -> None:
        if not self._segmenter.speaking:
            self._agreed.adopt()

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

    def _feed(self, pcm: bytes, now: float) -> list[Effect]:
        """Cuts what is said, by as much silence as ends a segment now."""
        self._segmenter.live = not self._arrivals.pile_up(self._segmenter.received, now)
        self._segmenter.silence = self._endpoint.required(self.terms.cutting, self._arrivals.recorded(now))
        return self._follow(self._segmenter.feed(pcm), now)

    def _understood(self, event: Event, now: float) -> list[Effect]:
        """What the draft says may end the segment now, or let it wait."""
        draft = self._supervision.drafts.standing
        if draft is None or draft.number != event.segment:
            return []
        self._endpoint.understood(event.text, event.language, self._segmenter.received - draft.cut.speech_end)
        return self._feed(b"", now)

    def _follow(self, reports: Sequence[cuts.Report], now: float) -> list[Effect]:
        effects: list[Effect] = []
        for place, report in enumerate(reports):
            self._endpoint.follow(report)
            match report:
                case cuts.Started(segment, at, start):
                    self._agreed.begin(segment, at)
                    effects.append(Append(Decision("began", self._session, segment=segment, start=start)))
                case cuts.Draft() if place == len(reports) - 1:  # else it is known already how it ends
                    effects += self._draft(report, now)
                case cuts.Resumed():
                    effects += self._supervision.drafts.drop()
                case cuts.Cut():
                    effects += self._cut(report, now)
        self._adopt()
        return effects

    def _draft(self, draft: cuts.Draft, now: float) -> list[Effect]:
        """Sends what will be the segment, if no more is said."""
        dropped = self._supervision.drafts.drop()
        silent = draft.speech_end <= self._silent_until or self._echoes.explain(draft.start, draft.speech_end)
        terms = self._agreed.of(draft.segment)
        targets = self._targets(terms) if terms.cutting.drafts else ()
        if silent or not targets or not self.hungry or self._arrivals.pile_up(draft.end, now):
            return dropped
        where = (draft.segment, draft.start, draft.end, draft.speech_end)
        cut = cuts.Cut(*where, draft.pcm, "silence", self._revision)
        self._revision += 1
        self._unsafe[draft.segment] = draft.start
        work = self._work(terms).but(segment=cut.segment, revision=cut.revision)
        self._endpoint.asked()
        return [*dropped, *self._supervision.drafts.begin(cut, work, targets, now)]

    def _cut(self, cut: cuts.Cut, now: float) -> list[Effect]:
        terms = self._agreed.cut(cut.segment)
        live = not self._arrivals.pile_up(cut.end, now)
        spoken = self._arrivals.at(cut.speech_end)
        self._arrivals.forget_before(cut.speech_end)
        self.segments_cut = cut.segment + 1
        targets = () if cut.speech_end <= self._silent_until else self._targets(terms)
        draft = self._supervision.drafts.standing
        echo = self._echoes.drop(self._session, cut) if targets else []
        if draft is not None and cut.drafted and targets and not echo:
            cut = replace(cut, revision=draft.work.revision)
            return [*self._promote(cut, terms, live, spoken, now), *self._supervision.also(targets, now)]
        dropped = self._supervision.drafts.drop()
        cut, self._revision = replace(cut, revision=self._revision), 0
        decision = told("cut", cut, self._work(terms), targets, in_ms(now - spoken), recorded=not live)
        if echo or not targets:
            self._unsafe.pop(cut.segment, None)
            return [*dropped, Append(decision), *echo]
        self._unsafe[cut.segment] = cut.start
        work = self._work(terms).but(segment=cut.segment, revision=cut.revision)
        sent = self._supervision.begin(cut, work, targets, live, now, spoken)
        return [*dropped, Append(decision), *floor(cut, work, targets), sent]

    def _promote(self, cut: cuts.Cut, terms: Terms, live: bool, spoken: float, now: float) -> list[Effect]:
        """The draft was right: what came of it is heard from here on."""
        self._revision = 0
        targets, since = self._supervision.drafts.targets, self._supervision.drafts.since
        self._supervision.promote(cut, live, now, spoken)
        work = self._work(terms)
        decision = told("cut", cut, work, targets, in_ms(now - spoken), in_ms(since - spoken))
        return [Append(decision), *floor(cut, work, targets)]
