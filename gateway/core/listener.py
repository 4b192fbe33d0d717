"""What those get who listen in one way, as a fold over the room's journal: the same frames in the same
order on any gateway.

Nothing here depends on a clock or on when an entry is read: times come from the entries themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from bridge.languages import same
from bridge.types import Decision, Event
from gateway.core import effects, facts, losses, said, sequencer, wishes
from gateway.core.bargein import BARGE_IN
from gateway.core.effects import Effect, Play, Purge, Say
from gateway.core.ledger import Ledger
from gateway.core.recent import Recent
from gateway.core.sequencer import Sequencer
from gateway.core.showing import shown
from gateway.core.streams import Resample, Stream, pieces
from gateway.core.timings import Timeline
from gateway.core.tuning import Tuning, numbered
from gateway.core.warnings import Warnings
from gateway.core.words import Words

LOST = 10.0
"""Seconds beyond the patience of a speaker's gateway after which that gateway counts as gone."""

_OBEYED = {"paused", "resumed", "stopped"}


class Listener:
    """All who are tuned alike: one numbering, one order, one stream of speech for all of them."""

    def __init__(self, tuning: Tuning, resample: Resample, patience: float = inf) -> None:
        """`patience` is for how many seconds a segment is waited for: nobody may be left to give it up.
        `begun` is the last segment whose speech began to be heard, -1 before the first."""
        self.tuning = tuning
        self.seq = 1  # session.started
        self.begun = -1
        self._resample = resample
        self._patience = patience + LOST
        self._sequencer = Sequencer()
        self._words = Words()
        self._warnings = Warnings()
        self._cuts: dict[int, Decision] = {}
        self._silent: set[int] = set()
        self._floors: set[int] = set()
        self._timelines: dict[int, Timeline] = {}
        self._streams: dict[tuple[int, str], Stream] = {}
        self._segments = 0
        self._recent = Recent() if tuning.hears == "others" else None

    @property
    def pauses(self) -> frozenset[str]:
        """For which reasons speech is held back."""
        return self._sequencer.pauses

    def begins_with(self, at: float) -> list[Say | Play]:
        """What somebody who joins at `at` should know: the segments that are not over, or the last one."""
        return self._recent.frames(at) if self._recent else []

    def decided(self, at: float, decision: Decision) -> list[Effect]:
        """Folds a wish of the own session: paused, resumed, stopped or ended, made at `at`."""
        released, before = wishes.heeded(self._sequencer, self.tuning, decision)
        found: list[Effect] = [] if before is None else [Purge(before)]
        over = self._words.stop(before or 0) if self.tuning.hears == "itself" else []
        found += self._released(at, [*map(sequencer.Over, over), *released])
        if decision.kind == "ended":
            found.append(self._say(effects.Ended(self._segments)))
        if decision.kind in _OBEYED:
            obeyed = effects.Obeyed(decision.kind, decision.number, decision.code)  # type: ignore[arg-type]
            found.append(self._say(obeyed))
        return found

    def _taken(self, at: float, decision: Decision) -> list[Effect]:
        """Whoever listened to the own speech is gone: a pause for it would have no end."""
        if decision.session != self.tuning.own or BARGE_IN not in self._sequencer.pauses:
            return []
        released = self._released(at, self._sequencer.resume(BARGE_IN))
        return [*released, self._say(effects.Obeyed("resumed", decision.number, BARGE_IN))]

    def found(self, at: float, fact: facts.Fact, who: Ledger) -> list[Effect]:
        """Folds what the ledger `who` found in an entry that was written at `at`, in seconds."""
        own = who.session == self.tuning.own
        if not own and self.tuning.hears != "others":
            return []
        if isinstance(fact, facts.Partial):
            return shown(fact, who, self.tuning)
        found = [*self._overdue(at), *self._fact(at, fact, who)]
        if self._recent is not None:
            self._recent.note(at, found)
        return found

    def _fact(self, at: float, fact: facts.Fact, who: Ledger) -> list[Effect]:
        match fact:
            case facts.Decided(decision):
                return self._of_segment(at, decision, who)
            case facts.Added(decision, cut, transcript):
                return self._added(at, decision, cut, transcript, who)
            case facts.Taken(event) | facts.Headed(event):
                self._note(event, who)
            case facts.Transcribed(event):
                return self._transcribed(at, event, who)
            case facts.Translated(event) if self._hears(who, event.target):
                self._note(event, who)
                number = numbered(who.speaker, event.segment)
                target = event.target or ""
                words = self._say(said.translation(number, target, event, who.name))
                return [words, *self._worded(at, number, target)]
            case facts.Piece(event) if self._hears(who, event.target):
                self._note(event, who)
                number = numbered(who.speaker, event.segment)
                heard = self._sequencer.add(number, event.target or "", event.sentence, event.pcm, event.rate)
                return self._released(at, heard)
            case facts.Original(event, target) if self._hears(who, target):
                number = numbered(who.speaker, event.segment)
                self._floors.add(number)
                return self._released(at, self._original(number, target, event))
            case facts.Rewound(segment, target, sentence):
                self._sequencer.rewind(numbered(who.speaker, segment), target, sentence)
            case facts.Whole(segment, target) if self._hears(who, target):
                return self._released(at, self._sequencer.finish(numbered(who.speaker, segment), target))
        return []

    def _original(self, number: int, target: str, event: Event) -> list[sequencer.Release]:
        return [
            released
            for piece in pieces(event.pcm, event.rate)
            for released in self._sequencer.add(number, target, 0, piece, event.rate)
        ]

    def _hears(self, who: Ledger, target: str | None) -> bool:
        """Whether speech of `who` in `target` is for this listener."""
        return self.tuning.listens(who.session, target)

    def _of_segment(self, at: float, decision: Decision, who: Ledger) -> list[Effect]:
        number = numbered(who.speaker, decision.segment)
        match decision.kind:
            case "began":
                return [self._say(effects.SpeechStarted(number, who.name))]
            case "cut":
                self._segments = decision.segment + 1
                stopped = self._say(effects.SpeechStopped(number))
                return [stopped, *self._expect(at, number, decision, who)]
            case "taken":
                return self._taken(at, decision)
            case "gave_up" if decision.target is None or self._hears(who, decision.target):
                return self._failed(at, number, decision, who)
        return []

    def _expect(self, at: float, number: int, cut: Decision, who: Ledger) -> list[Effect]:
        """What follows a cut: its speech, or only its words where it is not heard here."""
        self._cuts[number] = cut
        self._timelines[number] = Timeline.of(cut, at)
        targets = [target.language for target in cut.targets if self._hears(who, target.language)]
        if cut.targets and not targets:
            self._silent.add(number)
            return []
        return self._released(at, self._sequencer.expect(number, targets))

    def _added(
        self, at: float, decision: Decision, cut: Decision, transcript: Event | None, who: Ledger
    ) -> list[Effect]:
        """A segment from before is heard in this language as well; the listener may know nothing of it."""
        number = numbered(who.speaker, cut.segment)
        targets = [target.language for target in decision.targets if self._hears(who, target.language)]
        if not targets:
            return []
        if number in self._cuts:
            self._silent.discard(number)
            return self._released(at, self._sequencer.expect(number, targets))
        heard = replace(cut, targets=decision.targets, at=decision.at)
        began = [self._say(effects.SpeechStarted(number, who.name)), self._say(effects.SpeechStopped(number))]
        expected = self._expect(at, number, heard, who)
        words = self._transcribed(at, transcript, who) if transcript else []
        return [*began, *expected, *words]

    def _failed(self, at: float, number: int, decision: Decision, who: Ledger) -> list[Effect]:
        target = decision.target
        timeline = self._timelines.get(number)
        warned = self._warnings.lost(timeline.cut, decision) if timeline else []
        failed = self._say(losses.failed(number, decision))
        voice = who.voice(decision.segment, target) if target else None
        ended: list[Effect] = []
        if target and voice is not None and voice.mute:
            self._words.expect(number, target)
        else:
            ended = self._worded(at, number, target)
        finished = self._released(at, self._sequencer.finish(number, target))
        return [*warned, failed, *ended, *finished, *self._over_in_silence(at, number)]

    def _worded(self, at: float, number: int, target: str | None) -> list[Effect]:
        """The words of a target (None: of all) are there or will not come, which may be the end of it."""
        return self._release(at, sequencer.Over(number)) if self._words.came(number, target) else []

    def _transcribed(self, at: float, event: Event, who: Ledger) -> list[Effect]:
        self._note(event, who)
        number = numbered(who.speaker, event.segment)
        cut = self._cuts.get(number)
        if cut is None:
            return []
        words: list[Effect] = [self._say(said.transcript(number, cut, event, who.name))]
        if cut.floor == "voice" and event.text:
            floors = [to.language for to in cut.targets if same(to.language, event.language or "")]
            for target in [target for target in floors if self._hears(who, target)]:
                words.append(self._say(said.translation(number, target, event, who.name)))
        if not event.text:
            words += [
                *self._worded(at, number, None),
                *self._released(at, self._sequencer.finish(number, None)),
            ]
        return [*words, *self._over_in_silence(at, number)]

    def _over_in_silence(self, at: float, number: int) -> list[Effect]:
        """A segment that is not spoken here is over with its words."""
        if number not in self._silent:
            return []
        self._silent.discard(number)
        return self._release(at, sequencer.Over(number))

    def _overdue(self, at: float) -> list[Effect]:
        """Gives up what nobody else did: the gateway of its speaker may be gone for good."""
        found: list[Effect] = []
        while self._cuts and at - self._timelines[next(iter(self._cuts))].cut > self._patience:
            number = next(iter(self._cuts))
            if number in self._silent:
                found += self._over_in_silence(at, number)
            elif self._sequencer.waits_for(number):
                found.append(self._say(losses.lost(number)))
                found += self._released(at, self._sequencer.finish(number, None))
            elif not (ended := self._worded(at, number, None)):
                break  # held by a pause
            else:
                found += ended
        return found

    def _note(self, event: Event, who: Ledger) -> None:
        timeline = self._timelines.get(numbered(who.speaker, event.segment))
        if timeline is not None and (event.target is None or self._hears(who, event.target)):
            timeline.note(event)

    def _say(self, what: effects.Noun) -> Say:
        self.seq += 1
        return Say(self.seq, what)

    def _released(self, at: float, released: Sequence[sequencer.Release]) -> list[Effect]:
        return [effect for item in released for effect in self._release(at, item)]

    def _release(self, at: float, item: sequencer.Release) -> list[Effect]:
        match item:
            case sequencer.Begins(segment, target):
                index, rate = self._index(segment, target), self.tuning.rate
                self.begun = max(self.begun, segment)
                # Two people at one device hear both languages from it, one after the other.
                lane = "" if self._cuts[segment].floor == "silent" else target
                self._streams[segment, target] = Stream(segment, index, target, lane, rate, self._resample)
                origin = self._timelines[segment].origin(self._cuts[segment])
                floor = segment in self._floors
                begins = effects.SpeechBegins(segment, target, index, rate, floor, lane, origin)
                return [*self._warnings.heard(self._timelines[segment].cut), self._say(begins)]
            case sequencer.Sound(segment, target, pcm, rate):
                timeline = self._timelines[segment]
                timeline.first_audio = timeline.first_audio or at
                return self._play(self._streams[segment, target], pcm, rate)
            case sequencer.Ends(segment, target):
                return self._end(segment, target, self._streams.pop((segment, target)))
            case sequencer.Over(segment):
                if self._words.keep(segment):
                    return []
                dropped = self._cuts.pop(segment).revision
                self._floors.discard(segment)
                timings_ms = self._timelines.pop(segment).timings_ms(at)
                return [self._say(effects.Done(segment, timings_ms, dropped))]
            case sequencer.Overheld(segment):
                return [self._say(losses.overheld(segment))]

    def _index(self, segment: int, target: str) -> int:
        """The place of a target in what was agreed when the segment was cut: the same for every reader."""
        languages = [to.language for to in self._cuts[segment].targets]
        return languages.index(target) if target in languages else len(languages)

    def _play(self, stream: Stream, pcm: bytes, rate: int) -> list[Effect]:
        return self._frame(stream, stream.add(pcm, rate))

    def _frame(self, stream: Stream, pcm: bytes, *, last: bool = False) -> list[Effect]:
        if not pcm and not last:
            return []
        self.seq += 1
        offset = stream.take(pcm)
        where = (stream.segment, stream.index, offset)
        return [Play(self.seq, *where, pcm, last, stream.target, stream.lane)]

    def _end(self, segment: int, target: str, stream: Stream) -> list[Effect]:
        rest = [*self._frame(stream, stream.end()), *self._frame(stream, b"", last=True)]
        rate = self.tuning.rate
        duration = round(stream.samples * 1000 / rate, 1)
        return [*rest, self._say(effects.SpeechEnds(segment, target, rate, duration, stream.lane))]
