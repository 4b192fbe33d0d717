"""A segment in work, at the gateway of its speaker: all that is needed to send any part of it again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf

from bridge.languages import same
from bridge.types import Decision, Event, Stage, Target, Work
from gateway.core.cuts import Cut
from gateway.core.deadlines import Overdue
from gateway.core.effects import Append, Effect, Free, Submit, Supersede, Urgency
from gateway.core.inputs import Key
from gateway.core.state import State


@dataclass(slots=True)
class Segment:
    """`targets` are those that engines still work for, `late` those of them that were wanted only after it
    was sent, `heard` all in which it is heard, `mute` those not spoken any more. Until `until`, in seconds,
    it is worth hearing by somebody new; by `due` its speech must have begun. `broke_off` is by target the
    provider whose speech failed last: another one is asked first then."""

    cut: Cut
    work: Work
    targets: dict[str, Target]
    live: bool
    heard: set[str] = field(default_factory=set)
    until: float = 0.0
    attempts: int = 0
    late: set[str] = field(default_factory=set)
    transcript: Event | None = None
    heads: dict[str, Event] = field(default_factory=dict)
    translations: dict[str, Event] = field(default_factory=dict)
    queues: dict[Key, str] = field(default_factory=dict)
    keys: tuple[Key, ...] = ()
    superseded: set[Key] = field(default_factory=set)
    due: float = inf
    mute: set[str] = field(default_factory=set)
    broke_off: dict[str, str] = field(default_factory=dict)

    @classmethod
    def begun(
        cls, cut: Cut, work: Work, targets: Sequence[Target], live: bool, until: float, due: float
    ) -> Segment:
        """One that was just cut, and is sent for those of its targets that need an engine."""
        segment = cls(cut, work, {}, live, {target.language for target in targets}, until, due=due)
        segment.targets = {
            target.language: target for target in targets if not segment._floored(target.language)
        }
        segment.keys = _keys(cut.segment, segment.targets)
        return segment

    @classmethod
    def left(cls, state: State, work: Work) -> Segment:
        """One that another gateway left, as the journal shows it; `work` is common to all of its session."""
        cut = state.cut
        targets = {
            target.language: target
            for target in cut.targets
            if not (voice := state.voices[target.language]).finished and not voice.floor
        }
        whole = Cut(cut.segment, cut.start, cut.end, cut.speech_end, b"", "end", cut.revision)
        its = work.but(segment=cut.segment, revision=cut.revision, source=cut.source, floor=cut.floor)
        segment = cls(whole, its, targets, True, set(state.voices), attempts=state.attempts)
        segment.keys = _keys(cut.segment, targets)
        segment.transcript = state.transcript
        segment.mute = {target for target in targets if state.voices[target].mute}
        return segment

    @property
    def number(self) -> int:
        """Counts the segments of its speaker from 0."""
        return self.cut.segment

    def also(self, new: Sequence[Target]) -> None:
        """Somebody listens in targets in which nobody did."""
        languages = [target.language for target in new]
        self.heard.update(languages)
        self.keys = (*self.keys, *_keys(self.number, languages)[1:])
        by_engine = {target.language: target for target in new if not self._floored(target.language)}
        self.targets |= by_engine
        self.late |= by_engine.keys()

    def again(self, what: Overdue, sentence: int, left: float, now: float) -> list[Effect]:
        """Sends a stage as another attempt, with `left` seconds; speech begins with sentence `sentence`."""
        self.attempts += 1
        key: Key = (self.number, what.stage, what.target)
        self.superseded.add(key)
        targets = tuple(t for t in self.targets.values() if what.target in (None, t.language))
        work = self.rest(what.stage, what.target, self.attempts, sentence)
        decision = Decision(
            "again",
            work.session,
            segment=self.number,
            revision=work.revision,
            attempt=self.attempts,
            stage=what.stage,
            target=what.target,
            sentence=sentence,
            skip=work.skip,
            message=what.reason,
        )
        return [
            Free((key,)),
            Append(decision),
            Supersede(self.number, work.revision, what.stage, what.target, self.attempts),
            self._sent(work, what.stage, targets, left, inf if sentence else self.due - now),
        ]

    def _sent(
        self, work: Work, stage: Stage, targets: tuple[Target, ...], left: float, budget: float
    ) -> Submit:
        urgency: Urgency = "draft" if work.draft else "final"
        pcm = self.cut.pcm if stage == "stt" else b""
        return Submit(work, stage, targets, self.live, left, pcm, urgency, budget, frozenset(self.mute))

    def rest(self, stage: Stage, target: str | None, attempt: int, sentence: int = 0) -> Work:
        """The work that is left from a stage on; speech begins with sentence `sentence`."""
        work = self.work.but(attempt=attempt)
        if stage == "stt":
            return work
        assert self.transcript is not None and target is not None
        source, voice = self.transcript.language, self.targets[target].voice
        work = work.but(source=source, target=target, voice=voice, text=self.transcript.text)
        if (head := self.heads.get(target)) is not None:
            work = work.but(head=head.text, skip=head.skip)
        if stage == "translation":
            return work
        avoid = self.broke_off.get(target, "")
        return work.but(text=self.translations[target].text, skip=0, sentence=sentence, avoid=avoid)

    def _floored(self, target: str) -> bool:
        """Whether who listens in `target` gets the floor, as far as the spoken language is known."""
        spoken = self.transcript.language if self.transcript else self.work.source
        return bool(self.work.floor) and spoken is not None and same(target, spoken)


def _keys(segment: int, targets: Iterable[str]) -> tuple[Key, ...]:
    """All the work of a segment."""
    later: tuple[Stage, ...] = ("translation", "tts")
    return (segment, "stt", None), *((segment, stage, target) for target in targets for stage in later)
