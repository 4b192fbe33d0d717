"""Puts what the workers report into the order in which it was spoken, each thing exactly once.

Sans-I/O: given events, it returns what may leave now. Captions leave at once; speech of a later segment
waits until the earlier ones of its target are spoken, failed or empty. Twins (the same segment
dispatched twice) merge by sample offset, so whoever is first is heard and nothing is heard twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.types import SAMPLE_BYTES, Event, Stage


@dataclass(frozen=True, slots=True)
class Transcribed:
    segment: int
    event: Event


@dataclass(frozen=True, slots=True)
class Translated:
    segment: int
    target: str
    event: Event


@dataclass(frozen=True, slots=True)
class SpeechBegins:
    segment: int
    target: str
    rate: int


@dataclass(frozen=True, slots=True)
class SpeechPiece:
    """PCM to be heard next; `offset` samples of this segment were heard before it."""

    segment: int
    target: str
    offset: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class SpeechEnds:
    segment: int
    target: str
    rate: int
    samples: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A target of a segment, or with target None all of it, that will not be heard any more."""

    segment: int
    target: str | None
    stage: Stage
    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing more comes of this segment."""

    segment: int


Release = Transcribed | Translated | SpeechBegins | SpeechPiece | SpeechEnds | Failed | Done


@dataclass(slots=True)
class _Voice:
    """The speech of one segment in one target."""

    waiting: list[bytes] = field(default_factory=list)
    received: int = 0
    spoken: int = 0
    rate: int = 0
    begun: bool = False
    finished: bool = False


@dataclass(slots=True)
class _Segment:
    revision: int
    voices: dict[str, _Voice]
    transcribed: bool = False
    translated: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)


class Sequencer:
    """One session's order. Not thread-safe; all calls from the session's own task."""

    def __init__(self) -> None:
        self._segments: dict[int, _Segment] = {}
        self._lanes: dict[str, list[int]] = {}
        self._paused = False

    @property
    def segments(self) -> Sequence[int]:
        """The segments that are not done, oldest first."""
        return list(self._segments)

    def expect(self, segment: int, targets: Sequence[str], revision: int = 0) -> None:
        """A segment was cut and will be heard in `targets`. Segments come in rising numbers."""
        voices = {target: _Voice() for target in targets}
        self._segments[segment] = _Segment(revision, voices, open=set(targets))
        for target in voices:
            self._lanes.setdefault(target, []).append(segment)

    def accept(self, event: Event) -> list[Release]:
        """What may leave because of `event`; nothing for a repetition or for work given up."""
        segment = self._segments.get(event.segment)
        if segment is None or event.revision != segment.revision:
            return []
        if event.kind == "text":
            return self._text(segment, event)
        if event.target is None or event.target not in segment.open:
            return []
        voice = segment.voices[event.target]
        if voice.finished:
            return []
        if event.kind == "audio":
            _append(voice, event)
        elif event.kind == "done":
            voice.finished = voice.received >= event.offset
        return self._advance(event.target)

    def whole(self, event: Event) -> bool:
        """Whether all samples that a `done` tells of are here; if not, another attempt must bring them.

        True as well where nobody waits for that speech any more.
        """
        segment = self._segments.get(event.segment)
        voice = segment.voices.get(event.target or "") if segment else None
        return voice is None or voice.finished or voice.received >= event.offset

    def fail(self, segment: int, target: str | None, stage: Stage, error: Event) -> list[Release]:
        """Gives up a target of a segment (None: all that are still open) and lets the later ones go on."""
        state = self._segments.get(segment)
        if state is None:
            return []
        lost = [name for name in state.voices if name in state.open and target in (None, name)]
        lost = [name for name in lost if not state.voices[name].finished]
        if not lost:
            return []
        released: list[Release] = [Failed(segment, target, stage, error.code, error.message, error.retryable)]
        for name in lost:
            state.voices[name].finished = True
            released += self._advance(name)
        return released

    @property
    def held(self) -> list[int]:
        """The segments that only wait for `resume`, oldest first."""
        if not self._paused:
            return []
        done = [n for n, s in self._segments.items() if all(voice.finished for voice in s.voices.values())]
        return sorted(done)

    def drop(self, number: int, error: Event) -> list[Release]:
        """Gives up a segment that is held back: `Failed`, then `Done`, pause or not."""
        segment = self._segments[number]
        released: list[Release] = [
            Failed(number, None, error.stage, error.code, error.message, error.retryable)
        ]
        for target in list(segment.open):
            self._lanes[target].remove(number)
            voice = segment.voices[target]
            if voice.begun:
                released.append(SpeechEnds(number, target, voice.rate, voice.spoken))
            released += self._close(number, target)
        return released

    def stop(self) -> list[Release]:
        """Silences all that is still to be heard; each segment in work is done with."""
        released: list[Release] = []
        for number in self.segments:
            for voice in self._segments[number].voices.values():
                voice.waiting.clear()
                voice.finished = True
        paused, self._paused = self._paused, False
        for target in list(self._lanes):
            released += self._advance(target)
        self._paused = paused
        return released

    def pause(self) -> None:
        """Holds speech back; captions go on."""
        self._paused = True

    def resume(self) -> list[Release]:
        """Lets speech go on where it was held."""
        self._paused = False
        released: list[Release] = []
        for target in list(self._lanes):
            released += self._advance(target)
        return released

    def _text(self, segment: _Segment, event: Event) -> list[Release]:
        if event.stage == "stt":
            if segment.transcribed:
                return []
            segment.transcribed = True
            released: list[Release] = [Transcribed(event.segment, event)]
            if not event.text:
                for target, voice in segment.voices.items():
                    voice.finished = True
                    released += self._advance(target)
            return released
        if event.target is None or event.target in segment.translated or event.target not in segment.voices:
            return []
        segment.translated.add(event.target)
        return [Translated(event.segment, event.target, event)]

    def _advance(self, target: str) -> list[Release]:
        """Speaks from the head of a target's lane as far as it is there."""
        released: list[Release] = []
        lane = self._lanes.get(target, [])
        while lane and not self._paused:
            number = lane[0]
            voice = self._segments[number].voices[target]
            released += _speak(number, target, voice)
            if not voice.finished:
                break
            if voice.begun:
                released.append(SpeechEnds(number, target, voice.rate, voice.spoken))
            lane.pop(0)
            released += self._close(number, target)
        return released

    def _close(self, number: int, target: str) -> list[Release]:
        segment = self._segments[number]
        segment.open.discard(target)
        if segment.open:
            return []
        del self._segments[number]
        return [Done(number)]


def _append(voice: _Voice, event: Event) -> None:
    """Keeps the samples not yet received. A piece beyond them follows one that was lost on its way (a
    Redis that came back empty); it is dropped, because another attempt brings both."""
    known = voice.received - event.offset
    fresh = event.pcm[known * SAMPLE_BYTES :] if known >= 0 else b""
    if fresh:
        voice.waiting.append(fresh)
        voice.received += len(fresh) // SAMPLE_BYTES
        voice.rate = event.rate


def _speak(number: int, target: str, voice: _Voice) -> list[Release]:
    released: list[Release] = []
    if voice.waiting and not voice.begun:
        voice.begun = True
        released.append(SpeechBegins(number, target, voice.rate))
    for pcm in voice.waiting:
        released.append(SpeechPiece(number, target, voice.spoken, pcm))
        voice.spoken += len(pcm) // SAMPLE_BYTES
    voice.waiting.clear()
    return released
