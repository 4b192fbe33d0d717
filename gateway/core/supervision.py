"""The segments in work: what each stage of each is waiting for, what is sent again, what is given up.

It acts on what the journal says, so that a decision holds here when it holds for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from bridge.languages import same
from bridge.types import SPEECH_RATE, Decision, Event, Stage, Target, Work, item_name
from gateway.core import facts, inputs
from gateway.core.cuts import Cut
from gateway.core.deadlines import Deadlines, Overdue
from gateway.core.effects import Append, Cancel, Effect, Forget, Free, Submit, Supersede
from gateway.core.inputs import Key
from gateway.core.ledger import Ledger, State
from gateway.core.recent import LATEST
from gateway.core.terms import Patience


@dataclass(slots=True)
class Segment:
    """A segment in work: all that is needed to send any part of it again.

    `targets` are those that engines still work for, `late` those of them that were wanted only after it was
    sent, `heard` all in which it is heard. Until `until`, in seconds, it is worth hearing by somebody new.
    """

    cut: Cut
    work: Work
    targets: dict[str, Target]
    live: bool
    heard: set[str] = field(default_factory=set)
    until: float = 0.0
    attempts: int = 0
    late: set[str] = field(default_factory=set)
    transcript: Event | None = None
    translations: dict[str, Event] = field(default_factory=dict)
    queues: dict[Key, str] = field(default_factory=dict)
    keys: tuple[Key, ...] = ()
    superseded: set[Key] = field(default_factory=set)


class Supervision:
    """Of one speaker. `ledger` is what the journal says of this speaker's segments."""

    def __init__(self, session: str, ledger: Ledger, patience: Patience) -> None:
        self._session = session
        self._ledger = ledger
        self._patience = patience
        self._deadlines = Deadlines(patience)
        self._open: dict[int, Segment] = {}
        self._last: Segment | None = None
        self._running: Set[str] = frozenset()

    def __len__(self) -> int:
        """Segments in work."""
        return len(self._open)

    @property
    def next(self) -> float:
        """When the next tick matters, infinity where none does."""
        return self._deadlines.next

    def begin(self, cut: Cut, work: Work, targets: tuple[Target, ...], live: bool, now: float) -> Submit:
        """A segment was cut; the effect sends it, for those of its targets that need an engine."""
        segment = Segment(cut, work, {}, live, {target.language for target in targets}, now + LATEST)
        segment.targets = {
            target.language: target for target in targets if not _floored(segment, target.language)
        }
        segment.keys = _keys(cut.segment, segment.targets)
        self._open[cut.segment] = segment
        self._deadlines.cut(now, cut.segment, (cut.end - cut.start) / SPEECH_RATE)
        by_engine = tuple(segment.targets.values())
        return Submit(work, "stt", by_engine, live, self._patience.total, cut.pcm)

    def also(self, targets: Sequence[Target], now: float) -> list[Effect]:
        """Somebody listens in `targets`: what is being said, or was said last, is heard in them too."""
        effects: list[Effect] = []
        if (last := self._last) is not None and now < last.until:
            self._open.setdefault(last.cut.segment, last)
        for segment in list(self._open.values()):
            effects += self._add(segment, targets, now)
        return effects

    def _add(self, segment: Segment, targets: Sequence[Target], now: float) -> list[Effect]:
        number = segment.cut.segment
        new = [target for target in targets if target.language not in segment.heard]
        if not new:
            return self._settle(number) if not segment.targets and segment.transcript else []
        segment.heard |= {target.language for target in new}
        self._deadlines.again(now, number)
        segment.keys = (*segment.keys, *_keys(number, [target.language for target in new])[1:])
        decision = Decision(
            "also", self._session, segment=number, targets=tuple(new), attempt=segment.attempts
        )
        by_engine = [target for target in new if not _floored(segment, target.language)]
        segment.targets |= {target.language: target for target in by_engine}
        segment.late |= {target.language for target in by_engine}
        if segment.transcript is None:
            return [Append(decision)]
        sent = self._send_late(segment, now)
        return [Append(decision), *sent, *([] if segment.targets else self._settle(number))]

    def _send_late(self, segment: Segment, now: float) -> list[Effect]:
        """Sends the targets that the transcript was not sent on to."""
        effects: list[Effect] = []
        for name in sorted(segment.late & segment.targets.keys()):
            key: Key = (segment.cut.segment, "translation", name)
            self._deadlines.wanted(key, segment.attempts)
            work, _ = self._rest(segment, Overdue(*key, "again", ""), segment.attempts)
            left = self._deadlines.left(now, segment.cut.segment)
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
            targets = {
                target.language: target
                for target in cut.targets
                if not (voice := state.voices[target.language]).finished and not voice.floor
            }
            whole = Cut(cut.segment, cut.start, cut.end, cut.speech_end, b"", "end", cut.revision)
            its = work.but(segment=cut.segment, revision=cut.revision, source=cut.source, floor=cut.floor)
            segment = Segment(whole, its, targets, True, attempts=state.attempts)
            segment.heard |= state.voices.keys()
            segment.keys = _keys(cut.segment, targets)
            segment.transcript = state.transcript
            self._open[cut.segment] = segment
            self._deadlines.cut(now, cut.segment, (cut.end - cut.start) / SPEECH_RATE)
            self._adopt(segment, state, now)
        return gave_up

    def _adopt(self, segment: Segment, state: State, now: float) -> None:
        number = segment.cut.segment
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
        return effects

    def _runs(self, now: float) -> Mapping[Key, bool]:
        return {
            key: item_name(self._session, key[0], key[1], key[2], attempt) in self._running
            for key, attempt in self._deadlines.begun(now)
        }

    def _again(self, what: Overdue, now: float) -> list[Effect]:
        segment = self._open[what.segment]
        segment.attempts += 1
        attempt = segment.attempts
        key: Key = (what.segment, what.stage, what.target)
        self._deadlines.sent_again(key, attempt)
        segment.superseded.add(key)
        targets = tuple(t for t in segment.targets.values() if what.target in (None, t.language))
        work, sentence = self._rest(segment, what, attempt)
        left = self._deadlines.left(now, what.segment)
        pcm = segment.cut.pcm if what.stage == "stt" else b""
        return [
            Free((key,)),
            Append(
                Decision(
                    "again",
                    self._session,
                    segment=what.segment,
                    revision=segment.work.revision,
                    attempt=attempt,
                    stage=what.stage,
                    target=what.target,
                    sentence=sentence,
                    message=what.reason,
                )
            ),
            Supersede(*key, attempt),
            Submit(work, what.stage, targets, segment.live, left, pcm),
        ]

    def _rest(self, segment: Segment, what: Overdue, attempt: int) -> tuple[Work, int]:
        """The work that is left from a stage on, and the sentence with which speech begins."""
        work = segment.work.but(attempt=attempt)
        if what.stage == "stt":
            return work, 0
        assert segment.transcript is not None and what.target is not None
        source, voice = segment.transcript.language, segment.targets[what.target].voice
        work = work.but(source=source, target=what.target, voice=voice, text=segment.transcript.text)
        if what.stage == "translation":
            return work, 0
        heard = self._ledger.voice(what.segment, what.target)
        sentence = heard.sentences if heard else 0
        return work.but(text=segment.translations[what.target].text, sentence=sentence), sentence

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


def _keys(segment: int, targets: Iterable[str]) -> tuple[Key, ...]:
    """All the work of a segment."""
    later: tuple[Stage, ...] = ("translation", "tts")
    return (segment, "stt", None), *((segment, stage, target) for target in targets for stage in later)


def _floored(segment: Segment, target: str) -> bool:
    """Whether who listens in `target` gets the floor, as far as the spoken language is known."""
    spoken = segment.transcript.language if segment.transcript else segment.work.source
    return bool(segment.work.floor) and spoken is not None and same(target, spoken)


def _key(event: Event) -> Key:
    return event.segment, event.stage, event.target
