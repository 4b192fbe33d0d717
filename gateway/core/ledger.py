"""What a journal says of one speaker's segments: every reader that folds it comes to the same.

Of twins, the same work sent twice, one attempt is heard: the first that delivers, in the order of the
journal. Pieces of two attempts are never joined, because engines are not deterministic: an attempt that
was sent again in mid-speech takes over with the sentence that was cut off.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.languages import same
from bridge.types import Decision, Event
from gateway.core.captions import Captions
from gateway.core.facts import (
    Added,
    Decided,
    Early,
    Fact,
    Late,
    Original,
    Partial,
    Refused,
    Spared,
    Taken,
    Transcribed,
    Whole,
)
from gateway.core.state import State
from gateway.core.voice import Voice

KEPT = 64
"""Segments that are not over at most: far more than a session may have in work."""


class Ledger:
    """The segments of one speaker that are not over, and the last one that is.

    `speaker` and `name` are what the room knows `session` by; `segments` have been cut, up to sample `end`,
    and `begun` have begun.
    """

    def __init__(self, session: str = "") -> None:
        self.session = session
        self.speaker = 0
        self.name = ""
        self.segments = 0
        self.begun = 0
        self.end = 0
        self._segments: dict[int, State] = {}
        self._last: State | None = None
        self._found = (-1, "")
        self._start = 0
        self._captions = Captions()

    @property
    def open(self) -> Sequence[State]:
        """The segments that are not over, in the order in which they were cut."""
        return [state for state in self._segments.values() if not state.draft]

    @property
    def revision(self) -> int:
        """The first revision of the next segment that no draft has."""
        state = self._segments.get(self.segments)
        return state.cut.revision + 1 if state else 0

    @property
    def language(self) -> str:
        """What was spoken in the last segment that has words, "" before the first."""
        return self._found[1]

    def voice(self, segment: int, target: str) -> Voice | None:
        """What is known of a target, None once the segment is over."""
        state = self._segments.get(segment)
        return state.voices.get(target) if state else None

    def decide(self, decision: Decision) -> list[Fact]:
        """Folds a decision of the speaker's gateway."""
        self.speaker, self.name = decision.speaker or self.speaker, decision.name or self.name
        match decision.kind:
            case "began":
                return self._begin(decision)
            case "draft":
                return self._draft(decision)
            case "dropped":
                return self._dropped(decision)
            case "cut":
                return self._cut(decision)
            case "again":
                return self._kept(decision.segment, self._again(decision))
            case "also":
                return self._kept(decision.segment, self._also(decision))
            case "gave_up":
                return self._give_up(decision)
        return [Decided(decision)]

    def report(self, event: Event) -> list[Fact]:
        """Folds what a worker reports; nothing for what is over or was said before."""
        if event.kind == "partial":
            return self._partial(event)
        state = self._segments.get(event.segment)
        if state is None or event.revision != state.cut.revision or not state.voices:
            return []
        return self._kept(event.segment, self._report(state, event))

    def _report(self, state: State, event: Event) -> list[Fact]:
        match event.kind:
            case "floor":
                state.original = event
                return self._floor(state)
            case "started" if event.stage == "stt":
                return [Taken(event)] if state.transcript is None else []
            case "failed" if event.stage == "stt":
                return [Refused(event)] if state.transcript is None else []
            case "text" if event.stage == "stt":
                return self._transcript(state, event)
        voice = state.voices.get(event.target or "")
        found = voice.report(event) if voice else []
        self._sweep(event.segment)
        return found

    def silence(self, segment: int) -> None:
        """Forgets all segments before `segment`: nobody wants to hear them any more."""
        for number in [number for number in self._segments if number < segment]:
            del self._segments[number]

    def _begin(self, decision: Decision) -> list[Fact]:
        """A gateway that took over in mid-speech finds the beginning once more."""
        if decision.segment >= self.segments:
            self._start = decision.start
        if decision.segment < self.begun:
            return []
        self.begun = decision.segment + 1
        return [Decided(decision)]

    def _partial(self, event: Event) -> list[Fact]:
        """Of a segment that has begun and is not cut yet; what failed shows nothing."""
        goes_on = self.segments <= event.segment < self.begun
        caption = self._captions.fold(event) if goes_on and not event.code else None
        return [Partial(event, caption, self._start)]

    def _draft(self, decision: Decision) -> list[Fact]:
        """Nobody hears of it, unless it is promoted."""
        self._put(decision, draft=True)
        return []

    def _dropped(self, decision: Decision) -> list[Fact]:
        state = self._segments.get(decision.segment)
        if state is not None and state.draft:
            state.voices.clear()
            state.held.clear()
        return []

    def _cut(self, decision: Decision) -> list[Fact]:
        self.segments, self.end = decision.segment + 1, decision.end
        state = self._segments.pop(decision.segment, None)
        if state is not None and state.draft and state.voices and state.cut.revision == decision.revision:
            return self._promote(state, decision)
        if decision.targets:
            self._put(decision)
        return [Decided(decision)]

    def _put(self, decision: Decision, *, draft: bool = False) -> None:
        voices = {target.language: Voice() for target in decision.targets}
        state = self._segments[decision.segment] = State(decision, voices, draft=draft)
        self._floor(state)
        if len(self._segments) > KEPT:
            del self._segments[next(iter(self._segments))]

    def _promote(self, state: State, cut: Decision) -> list[Fact]:
        """The draft was right: all that came of it is told."""
        self._segments[cut.segment] = state
        state.cut, state.draft = cut, False
        if state.transcript is not None:
            self._understood(state.transcript)
        held, state.held = state.held, []
        self._sweep(cut.segment)
        return [Decided(cut), *map(Late, held)]

    def _kept(self, segment: int, found: list[Fact]) -> list[Fact]:
        """What was found, or of a draft what its speaker may know."""
        state = self._segments.get(segment)
        if state is None or not state.draft:
            return found
        state.held += found
        return [Early(fact, segment, state.cut.revision) for fact in found]

    def _transcript(self, state: State, event: Event) -> list[Fact]:
        if state.transcript is not None:
            return []
        state.transcript = event
        if not state.draft:
            self._understood(event)
        for voice in state.voices.values():
            voice.translators.add(event.attempt)
            voice.finished |= not event.text
        floor = self._floor(state)
        self._sweep(event.segment)
        return [Transcribed(event), *floor]

    def _understood(self, event: Event) -> None:
        if event.text:
            self._found = max(self._found, (event.segment, event.language or ""))

    def _floor(self, state: State) -> list[Fact]:
        """Who listens in the language that was spoken gets the floor, as soon as both are known."""
        cut, found = state.cut, list[Fact]()
        if not cut.floor or state.spoken is None:
            return []
        for target, voice in state.voices.items():
            if voice.finished or voice.mute or not same(target, state.spoken):
                continue
            if not voice.floor:
                voice.floor = True
                found.append(Spared(cut.segment, target))
            if state.original is not None and voice.index == 0:
                voice.index = 1
                found.append(Original(state.original, target))
            # Its voice is here before its words are; nothing is over without them.
            if state.transcript is not None and (cut.floor == "silent" or voice.index == 1):
                voice.finished = True
                found.append(Whole(cut.segment, target))
        self._sweep(cut.segment)
        return found

    def _also(self, decision: Decision) -> list[Fact]:
        """Adds targets to a segment, also to the last one if that is over."""
        state = self._segments.get(decision.segment)
        if state is None and self._last is not None and self._last.cut.segment == decision.segment:
            state = self._last
        new = [t for t in decision.targets if state is not None and t.language not in state.voices]
        if state is None or not new:
            return []
        self._segments[decision.segment] = state
        state.voices |= {target.language: Voice({decision.attempt}) for target in new}
        added = Added(decision, state.cut, state.transcript)
        floor = self._floor(state)
        return [added, *floor, *self._without_sound(state)]

    def _without_sound(self, state: State) -> list[Fact]:
        """The words of a segment that is over are all there is, where nobody listened in its language."""
        if state.transcript is None or state.original is not None:
            return []
        late = [name for name, voice in state.voices.items() if voice.floor and not voice.finished]
        for name in late:
            state.voices[name].finished = True
        self._sweep(state.cut.segment)
        return [Whole(state.cut.segment, name) for name in late]

    def _again(self, decision: Decision) -> list[Fact]:
        state = self._segments.get(decision.segment)
        if state is None:
            return []
        state.attempts = max(state.attempts, decision.attempt)
        voice = state.voices.get(decision.target or "")
        return [] if voice is None or voice.finished else voice.again(decision)

    def _give_up(self, decision: Decision) -> list[Fact]:
        state = self._segments.get(decision.segment)
        if state is None:
            return []
        lost = [
            voice
            for target, voice in state.voices.items()
            if decision.target in (None, target) and not voice.finished
        ]
        unheard = decision.target is None and state.transcript is None
        state.given_up |= unheard
        silenced = decision.target is not None and decision.stage == "tts" and decision.code == "too_late"
        for voice in lost:
            voice.mute = silenced and voice.translation is None
            voice.finished = not voice.mute
        self._sweep(decision.segment)
        return [Decided(decision)] if lost or unheard else []

    def _sweep(self, number: int) -> None:
        """Forgets a segment of which nothing more can come."""
        state = self._segments.get(number)
        if state is None or state.draft or not all(voice.finished for voice in state.voices.values()):
            return
        if state.transcript is not None or state.given_up:
            del self._segments[number]
            if self.speaker and state.transcript is not None and state.transcript.text:
                self._last = state
