"""The segments in work: what each stage of each is waiting for, what is sent again, what is given up.

It acts on what the journal says, so that a decision holds here when it holds for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from math import inf

from bridge.types import SPEECH_RATE, Decision, Event, Stage, Target, Work, item_name
from gateway.core import facts, inputs
from gateway.core.cuts import Cut
from gateway.core.deadlines import Deadlines, Overdue
from gateway.core.effects import Append, Cancel, Effect, Forget, Free, Submit
from gateway.core.inputs import Key
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
        self._patience = patience
        self._deadlines = Deadlines(patience)
        self._lateness = Lateness(session, ledger, self._deadlines, patience.lateness)
        self._open: dict[int, Segment] = {}
        self._last: Segment | None = None
        self._running: Set[str] = frozenset()

    def __len__(self) -> int:
        """Segments in work."""
        return len(self._open)

    @property
    def next(self) -> float:
        """When the next tick matters, infinity where none does."""
        return min(self._deadlines.next, min((it.due for it in self._open.values()), default=inf))

    def begin(
        self, cut: Cut, work: Work, targets: tuple[Target, ...], live: bool, now: float, said: float
    ) -> Submit:
        """A segment was cut, whose speech ended at `said`; the effect sends it, for those of its targets that
        need an engine."""
        segment = Segment.begun(cut, work, targets, live, now + LATEST)
        segment.due = self._lateness.due(said, live)
        self._open[cut.segment] = segment
        self._deadlines.cut(now, cut.segment, (cut.end - cut.start) / SPEECH_RATE)
        by_engine = tuple(segment.targets.values())
        return Submit(work, "stt", by_engine, live, self._patience.total, cut.pcm, segment.due - now)

    def also(self, targets: Sequence[Target], now: float) -> list[Effect]:
        """Somebody listens in `targets`: what is being said, or was said last, is heard in them too."""
        effects: list[Effect] = []
        if (last := self._last) is not None and now < last.until:
            self._open.setdefault(last.cut.segment, last)
        for segment in list(self._open.values()):
            effects += self._add(segment, targets, now)
        return effects

    def _add(self, segment: Segment, targets: Sequence[Target], now: float) -> list[Effect]:
        number = segment.number
        new = [target for target in targets if target.language not in segment.heard]
        if not new:
            return self._settle(number) if not segment.targets and segment.transcript else []
        self._deadlines.again(now, number)
        segment.also(new)
        decision = Decision(
            "also", self._session, segment=number, targets=tuple(new), attempt=segment.attempts
        )
        if segment.transcript is None:
            return [Append(decision)]
        sent = self._send_late(segment, now)
        return [Append(decision), *sent, *([] if segment.targets else self._settle(number))]

    def _send_late(self, segment: Segment, now: float) -> list[Effect]:
        """Sends the targets that the transcript was not sent on to."""
        effects: list[Effect] = []
        for name in sorted(segment.late & segment.targets.keys()):
            self._deadlines.wanted((segment.number, "translation", name), segment.attempts)
            work = segment.rest("translation", name, segment.attempts)
            left = self._deadlines.left(now, segment.number)
            effects.append(Submit(work, "translation", (segment.targets[name],), segment.live, left))
        segment.late.clear()
        return effects

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
            segment.due = self._lateness.due(now, live=True)
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
            translation = state.voices[target].translation
            if translation is not None:
                segment.translations[target] = translation
            stage: Stage = "tts" if translation else "translation"
            self._deadlines.adopt(now, (number, stage, target), state.attempts)

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
                self._deadlines.sent(now, (segment, stage, target))
                return []
            case inputs.Unsent(segment, stage, target, reason):
                self._deadlines.postpone(now, (segment, stage, target), reason)
                return []
            case inputs.Shed(segment):
                return self._lateness.shed(self._open[segment], given) if segment in self._open else []
        return self._tick(now)

    def found(self, fact: facts.Fact, now: float) -> list[Effect]:
        """What the journal, folded by the ledger, says of the segments."""
        match fact:
            case facts.Taken(event):
                self._deadlines.seen(now, _key(event), event.attempt, event.worker)
                return []
            case facts.Piece(event):
                self._deadlines.seen(now, _key(event), event.attempt, event.worker, heard=True)
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
        self._last = None
        for number in [number for number in self._open if number < before]:
            effects += self._settle(number)
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
            return [*freed, *self._settle(event.segment)]
        if not expected:
            return freed  # given up a moment ago
        segment.transcript = event
        self._last = segment
        for target in segment.targets.keys() - segment.late:
            self._deadlines.follow(now, (event.segment, "translation", target), event.attempt, event.worker)
        late = self._send_late(segment, now)
        return [*freed, *late, *([] if segment.targets else self._settle(event.segment))]

    def _translated(self, event: Event, now: float) -> list[Effect]:
        segment = self._open.get(event.segment)
        if segment is None or event.target is None:
            return []
        if not self._deadlines.finished(_key(event)):
            return [Free((_key(event),))]
        segment.translations[event.target] = event
        if event.target in segment.mute:
            return [Free((_key(event),))]
        self._deadlines.follow(now, (event.segment, "tts", event.target), event.attempt, event.worker)
        return [Free((_key(event),))]

    def _failed(self, event: Event, now: float, why: str, *, retryable: bool) -> list[Effect]:
        """A stage failed, or a part of its speech was lost on the way."""
        if self._deadlines.failed(now, _key(event), event.attempt, retryable=retryable):
            return []
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
            return self._settle(number)
        self._deadlines.forget(number, target)
        return [Free(((number, "translation", target), (number, "tts", target)))]

    def _settle(self, number: int) -> list[Effect]:
        """Nothing more comes of a segment."""
        segment = self._open.pop(number)
        self._deadlines.forget(number)
        return [
            Free(segment.keys),
            Forget(number, segment.work.revision, tuple(segment.superseded)),
        ]

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
            else:
                message = f"The {what.stage} stage gave no result: {what.reason}."
                effects += self._give_up(what.segment, what.target, what.stage, "timed_out", message, True)
        return [*effects, *self._lateness.overdue(self._open.values(), now)]

    def _runs(self, now: float) -> Mapping[Key, bool]:
        return {key: self._item(key, attempt) in self._running for key, attempt in self._deadlines.begun(now)}

    def _item(self, key: Key, attempt: int) -> str:
        number, stage, target = key
        return item_name(self._session, number, self._open[number].work.revision, stage, target, attempt)

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
        decision = Decision(
            "gave_up",
            self._session,
            segment=number,
            stage=stage,
            target=target,
            code=code,
            message=message,
            retryable=retryable,
        )
        return [Append(decision)]


def _key(event: Event) -> Key:
    return event.segment, event.stage, event.target
