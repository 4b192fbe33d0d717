"""The segments in work: what each stage of each is waiting for, what is sent again, what is given up.

It acts on what the journal says, so that a decision holds here when it holds for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from bridge.types import SPEECH_RATE, Event, Stage, Target, Work, item_name
from gateway.core import facts, inputs
from gateway.core.cuts import Cut
from gateway.core.deadlines import Overdue
from gateway.core.drafts import Drafts
from gateway.core.effects import Cancel, Effect, Forget, Free, Submit
from gateway.core.inputs import Key
from gateway.core.inwork import InWork
from gateway.core.latecomers import Latecomers
from gateway.core.lateness import Lateness
from gateway.core.ledger import Ledger
from gateway.core.recent import LATEST
from gateway.core.segment import Segment
from gateway.core.state import State
from gateway.core.terms import Patience


class Supervision:
    """Of one speaker. `ledger` is what the journal says of this speaker's segments."""

    def __init__(self, session: str, ledger: Ledger, patience: Patience) -> None:
        self._session = session
        self._ledger = ledger
        self._in_work = InWork(session, patience)
        self._open, self._deadlines = self._in_work.open, self._in_work.deadlines
        self._latecomers = Latecomers(self._in_work)
        self.drafts = Drafts(self._in_work)
        self._lateness = Lateness(ledger, self._in_work)
        self._running: Set[str] = frozenset()

    def __len__(self) -> int:
        """Segments in work."""
        return len(self._open)

    @property
    def next(self) -> float:
        """When the next tick matters, infinity where none does."""
        return min(self._deadlines.next, self._lateness.next)

    def begin(
        self, cut: Cut, work: Work, targets: tuple[Target, ...], live: bool, now: float, said: float
    ) -> Submit:
        """A segment was cut, whose speech ended at `said`; the effect sends it, for those of its targets that
        need an engine."""
        due = self._in_work.due(said, live=live)
        return self._in_work.begin(Segment.begun(cut, work, targets, live, now + LATEST, due), now)

    def has(self, number: int, revision: int) -> bool:
        """Whether this revision of a segment is in work."""
        segment = self._open.get(number)
        return segment is not None and segment.work.revision == revision

    def also(self, targets: Sequence[Target], now: float) -> list[Effect]:
        """Somebody listens in `targets`: what is being said, or was said last, is heard in them too."""
        return self._latecomers.also(targets, now, self.drafts.standing)

    def promote(self, cut: Cut, live: bool, now: float, said: float) -> None:
        """The segment was cut just as its draft was."""
        segment = self.drafts.promote(cut, live, now, said)
        if segment.transcript is not None:
            self._latecomers.last = segment

    def adopt(self, work: Work, now: float, lost: Set[int]) -> list[Effect]:
        """Takes over from a gateway that is gone what the ledger says is not over; `work` is what all work of
        the session has in common. Segments `lost` cannot be sent again."""
        gave_up: list[Effect] = []
        for state in self._ledger.open:
            cut = state.cut
            if cut.segment in lost:
                message = "The gateway that had cut it is gone with its speech; it is cut anew."
                gave_up += self._give_up(cut.segment, None, "stt", "lost", message, True)
                continue
            segment = Segment.left(state, work)
            segment.due = self._in_work.due(now, live=True)
            self._open[cut.segment] = segment
            self._deadlines.cut(now, cut.segment, (cut.end - cut.start) / SPEECH_RATE)
            self._adopt(segment, state, now)
        return gave_up

    def _adopt(self, segment: Segment, state: State, now: float) -> None:
        number = segment.number
        if state.transcript is None:
            self._deadlines.adopt(now, (number, "stt", None), state.attempts)
            return
        self._deadlines.finished((number, "stt", None))
        for target in segment.targets:
            voice = state.voices[target]
            if voice.translation is not None:
                segment.translations[target] = voice.translation
            stage: Stage = "tts" if voice.translation else "translation"
            part, attempt = (0, state.attempts) if voice.second is None else (1, voice.second)
            self._deadlines.adopt(now, (number, stage, target), attempt, part)
            if voice.head is not None:
                segment.heads[target] = voice.head
            if voice.head is not None and voice.leading:
                self._deadlines.adopt_lead(now, (number, "tts", target), voice.head.attempt)

    def handle(self, given: inputs.Input, now: float) -> list[Effect]:
        """What is told of the workers, or time that has passed."""
        match given:
            case inputs.Looked(running):
                self._running = running
                return []
            case inputs.Vanished(worker, queue, elsewhere):
                self._vanished(now, worker, queue, elsewhere)
            case inputs.Lost():
                self._deadlines.hurry(now, "Redis lost it")
            case inputs.Sent(segment, stage, target, queues):
                if segment in self._open:
                    self._open[segment].queues.update(queues)
                self._deadlines.sent(now, (segment, stage, target), queues)
                return []
            case inputs.Unsent(segment, stage, target, reason):
                if self._drafted(segment):
                    return self.drafts.drop("unsent")
                self._deadlines.postpone(now, (segment, stage, target), reason)
                return []
            case inputs.Shed(segment):
                return self._lateness.shed(given) if segment in self._open else []
        return self._tick(now)

    def found(self, fact: facts.Fact, now: float) -> list[Effect]:
        """What the journal, folded by the ledger, says of the segments."""
        match fact:
            case facts.Taken(event) | facts.Piece(event):
                heard = isinstance(fact, facts.Piece)
                self._deadlines.seen(now, _key(event), event.attempt, event.worker, event.part, heard=heard)
                return []
            case facts.Headed(event):
                return self._headed(event, now)
            case facts.HeadSpoken(segment, target):
                self._deadlines.led((segment, "tts", target))
                return []
            case facts.Transcribed(event):
                return self._transcribed(event, now)
            case facts.Translated(event):
                return self._translated(event, now)
            case facts.Whole(segment, target) | facts.Spared(segment, target):
                return self._finished(segment, target)
            case facts.Torn(event):
                return self._failed(event, now, "a part of its speech was lost", retryable=True)
            case facts.Refused(event):
                return self._failed(event, now, "its worker does not say why", retryable=event.retryable)
            case facts.Decided(decision) if decision.kind == "gave_up":
                return self._finished(decision.segment, decision.target)
        return []

    def silenced(self, before: int) -> list[Effect]:
        """The journal says that nobody wants to hear the segments before `before`."""
        effects: list[Effect] = [Cancel(before)]
        self._latecomers.last = None
        for number in [number for number in self._open if number < before]:
            effects += self._in_work.settle(number)
        return effects

    def unheard(self) -> list[tuple[int, int]]:
        """(segment, revision) of the speech that no transcript has replaced yet."""
        return [
            (number, segment.work.revision)
            for number, segment in self._open.items()
            if segment.transcript is None
        ]

    # From the journal

    def _transcribed(self, event: Event, now: float) -> list[Effect]:
        segment = self._open.get(event.segment)
        if segment is None:
            return []
        freed: list[Effect] = [
            Free((_key(event),)),
            Forget(event.segment, segment.work.revision),
        ]
        expected = self._deadlines.finished(_key(event))
        if not event.text:
            return [*freed, *self._in_work.settle(event.segment)]
        if not expected:
            return freed  # given up a moment ago
        segment.transcript = event
        self._in_work.memory.note(event, now)
        if segment is not self.drafts.standing:
            self._latecomers.last = segment
        for target in segment.targets.keys() - segment.late:
            self._deadlines.follow(now, (event.segment, "translation", target), event.attempt, event.worker)
        late = self._latecomers.send(segment, now)
        return [*freed, *late, *([] if segment.targets else self._in_work.settle(event.segment))]

    def _headed(self, event: Event, now: float) -> list[Effect]:
        """The first sentences go on to tts, and their translation goes on."""
        segment = self._open.get(event.segment)
        if segment is not None and event.target in segment.targets:
            segment.heads[event.target] = event
            self._deadlines.seen(now, _key(event), event.attempt, event.worker, heard=True)
            self._deadlines.lead(now, (event.segment, "tts", event.target), event.attempt, event.worker)
        return []

    def _translated(self, event: Event, now: float) -> list[Effect]:
        segment = self._open.get(event.segment)
        if segment is None or event.target is None:
            return []
        if not self._deadlines.finished(_key(event)):
            return [Free((_key(event),))]
        segment.translations[event.target] = event
        if event.target in segment.mute:
            return [Free((_key(event),))]
        part = int(event.target in segment.heads)
        self._deadlines.follow(now, (event.segment, "tts", event.target), event.attempt, event.worker, part)
        return [Free((_key(event),))]

    def _failed(self, event: Event, now: float, why: str, *, retryable: bool) -> list[Effect]:
        """A stage failed, or a part of its speech was lost on the way."""
        segment = self._open.get(event.segment)
        if segment is not None and event.stage == "tts" and event.kind == "failed" and event.target:
            segment.broke_off[event.target] = event.provider
        if self._deadlines.failed(now, _key(event), event.attempt, event.part, retryable=retryable):
            return []
        if self._drafted(event.segment):
            return self.drafts.drop()
        code = event.code or "timed_out"
        message = event.message or f"The {event.stage} stage gave no result: {why}."
        return self._give_up(event.segment, event.target, event.stage, code, message, retryable)

    def _finished(self, number: int, target: str | None) -> list[Effect]:
        """A target (None: all of them) of a segment is spoken or given up."""
        segment = self._open.get(number)
        if segment is None or (target is not None and target not in segment.targets):
            return []
        voice = self._ledger.voice(number, target) if target is not None else None
        if target is not None and voice is not None and voice.mute and not voice.finished:
            return [Free(((number, "tts", target),))]
        for name in [target] if target else list(segment.targets):
            segment.targets.pop(name, None)
        if not segment.targets and (target is None or segment.transcript is not None):
            return self._in_work.settle(number)
        self._deadlines.forget(number, target)
        return [Free(((number, "translation", target), (number, "tts", target)))]

    # Time

    def _vanished(self, now: float, worker: str, queue: str, elsewhere: bool) -> None:
        waiting = {
            key for segment in self._open.values() for key, where in segment.queues.items() if where == queue
        }
        self._deadlines.vanished(now, worker, waiting, elsewhere=elsewhere)

    def _tick(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for what in self._deadlines.due(now, self._runs(now)):
            if what.action == "again":
                effects += self._again(what, now)
            elif self._drafted(what.segment):
                effects += self.drafts.drop()
            else:
                message = f"The {what.stage} stage gave no result: {what.reason}."
                effects += self._give_up(what.segment, what.target, what.stage, "timed_out", message, True)
        return [*effects, *self._lateness.overdue(now)]

    def _runs(self, now: float) -> Mapping[Key, bool]:
        begun = self._deadlines.begun(now)
        return {key: self._item(key, attempt, part) in self._running for key, attempt, part in begun}

    def _item(self, key: Key, attempt: int, part: int) -> str:
        number, stage, target = key
        revision = self._open[number].work.revision
        return item_name(self._session, number, revision, stage, target, attempt, part)

    def _drafted(self, number: int) -> bool:
        """Whether a segment is a draft yet."""
        standing = self.drafts.standing
        return standing is not None and standing.number == number

    def _again(self, what: Overdue, now: float) -> list[Effect]:
        segment = self._open[what.segment]
        self._deadlines.sent_again((what.segment, what.stage, what.target), segment.attempts + 1)
        return segment.again(what, self._sentence(what), self._deadlines.left(now, what.segment), now)

    def _sentence(self, what: Overdue) -> int:
        """That with which speech begins again."""
        heard = self._ledger.voice(what.segment, what.target) if what.stage == "tts" and what.target else None
        return heard.sentences if heard else 0

    def _give_up(
        self, number: int, target: str | None, stage: Stage, code: str, message: str, retryable: bool
    ) -> list[Effect]:
        self._deadlines.forget(number, target)
        return [self._in_work.gave_up(number, stage, target, code, message, retryable=retryable)]


def _key(event: Event) -> Key:
    return event.segment, event.stage, event.target
