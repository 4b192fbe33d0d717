"""What one listener gets, as a fold over the room's journal: the same frames with the same numbers anywhere.

Nothing here depends on a clock or on when an entry is read: times come from the entries themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from bridge.types import SAMPLE_BYTES, SPEECH_RATE, Decision, Event
from gateway.core import effects, ledger, sequencer
from gateway.core.effects import Effect, Play, Purge, Say
from gateway.core.sequencer import Sequencer
from gateway.core.timings import Timeline


class Resampling(Protocol):
    """Changes the rate of a stream of PCM s16le piece by piece."""

    def feed(self, pcm: bytes, last: bool = False) -> bytes: ...


Resample = Callable[[int, int], Resampling]
"""Makes one, from one rate to another."""

_OBEYED = {"paused", "resumed", "stopped"}


class Listener:
    """One participant's ear, for one speaker."""

    def __init__(self, resample: Resample) -> None:
        self._resample = resample
        self._sequencer = Sequencer()
        self._cuts: dict[int, Decision] = {}
        self._timelines: dict[int, Timeline] = {}
        self._indexes: dict[str, int] = {}
        self._streams: dict[tuple[int, str], _Stream] = {}
        self._rate = 0
        self._seq = 0
        self._segments = 0

    def decided(self, at: float, decision: Decision) -> list[Effect]:
        """Folds a decision of the session itself: joined, paused, resumed, stopped or ended, made at `at`."""
        found: list[Effect] = []
        match decision.kind:
            case "joined":
                self._rate = decision.rate
                self._seq = 1  # session.started
            case "paused":
                self._sequencer.pause()
            case "resumed":
                found = self._released(at, self._sequencer.resume())
            case "stopped":
                found = [
                    Purge(decision.segment),
                    *self._released(at, self._sequencer.stop(decision.segment)),
                ]
            case "ended":
                # A pause ends here: nobody could resume after it.
                found = self._released(at, self._sequencer.resume())
                found.append(self._say(effects.Ended(self._segments)))
        if decision.kind in _OBEYED:
            found.append(self._say(effects.Obeyed(decision.kind, decision.number)))  # type: ignore[arg-type]
        return found

    def found(self, at: float, fact: ledger.Fact) -> list[Effect]:
        """Folds what the ledger found in an entry that was written at `at`, in seconds."""
        match fact:
            case ledger.Decided(decision):
                return self._of_segment(at, decision)
            case ledger.Taken(event):
                self._note(event)
            case ledger.Transcribed(event):
                return self._transcribed(at, event)
            case ledger.Translated(event):
                self._note(event)
                said = effects.Translation(event.segment, event.target or "", event.text, event.confidence)
                return [self._say(said)]
            case ledger.Piece(event):
                self._note(event)
                target = event.target or ""
                heard = self._sequencer.add(event.segment, target, event.sentence, event.pcm, event.rate)
                return self._released(at, heard)
            case ledger.Rewound(segment, target, sentence):
                self._sequencer.rewind(segment, target, sentence)
            case ledger.Whole(segment, target):
                return self._released(at, self._sequencer.finish(segment, target))
        return []

    def _of_segment(self, at: float, decision: Decision) -> list[Effect]:
        number = decision.segment
        if decision.kind == "began":
            return [self._say(effects.SpeechStarted(number))]
        if decision.kind == "cut":
            self._segments = number + 1
            self._cuts[number] = decision
            self._timelines[number] = Timeline(decision.endpoint_ms, at)
            targets = [target.language for target in decision.targets]
            stopped = self._say(effects.SpeechStopped(number))
            return [stopped, *self._released(at, self._sequencer.expect(number, targets))]
        failed = effects.Failed(
            number,
            decision.target,
            decision.stage or "tts",
            decision.code,
            decision.message,
            decision.retryable,
        )
        said = self._say(failed)
        return [said, *self._released(at, self._sequencer.finish(number, decision.target))]

    def _transcribed(self, at: float, event: Event) -> list[Effect]:
        self._note(event)
        cut = self._cuts.get(event.segment)
        if cut is None:
            return []
        said = effects.Transcript(
            event.segment,
            event.text,
            event.language or "",
            _ms(cut.start),
            _ms(cut.speech_end),
            event.confidence,
        )
        over = [] if event.text else self._sequencer.finish(event.segment, None)
        return [self._say(said), *self._released(at, over)]

    def _note(self, event: Event) -> None:
        if (timeline := self._timelines.get(event.segment)) is not None:
            timeline.note(event)

    def _say(self, what: effects.Noun) -> Say:
        self._seq += 1
        return Say(self._seq, what)

    def _released(self, at: float, released: Sequence[sequencer.Release]) -> list[Effect]:
        return [effect for item in released for effect in self._release(at, item)]

    def _release(self, at: float, item: sequencer.Release) -> list[Effect]:
        match item:
            case sequencer.Begins(segment, target):
                index = self._indexes.setdefault(target, len(self._indexes))
                self._streams[segment, target] = _Stream(segment, index, self._rate, self._resample)
                return [self._say(effects.SpeechBegins(segment, target, index, self._rate))]
            case sequencer.Sound(segment, target, pcm, rate):
                timeline = self._timelines[segment]
                timeline.first_audio = timeline.first_audio or at
                return self._play(self._streams[segment, target], pcm, rate)
            case sequencer.Ends(segment, target):
                return self._end(segment, target, self._streams.pop((segment, target)))
            case sequencer.Over(segment):
                del self._cuts[segment]
                return [self._say(effects.Done(segment, self._timelines.pop(segment).timings_ms(at)))]
            case sequencer.Overheld(segment):
                return [self._say(_overheld(segment))]

    def _play(self, stream: _Stream, pcm: bytes, rate: int) -> list[Effect]:
        return self._frame(stream, stream.add(pcm, rate))

    def _frame(self, stream: _Stream, pcm: bytes, *, last: bool = False) -> list[Effect]:
        if not pcm and not last:
            return []
        self._seq += 1
        offset = stream.take(pcm)
        return [Play(self._seq, stream.segment, stream.index, offset, pcm, last)]

    def _end(self, segment: int, target: str, stream: _Stream) -> list[Effect]:
        rest = [*self._frame(stream, stream.end()), *self._frame(stream, b"", last=True)]
        duration = round(stream.samples * 1000 / self._rate, 1)
        return [*rest, self._say(effects.SpeechEnds(segment, target, self._rate, duration))]


class _Stream:
    """The speech of one segment in one target on its way to the listener's rate."""

    def __init__(self, segment: int, index: int, rate: int, resample: Resample) -> None:
        self.segment = segment
        self.index = index
        self.samples = 0
        self._rate = rate
        self._from = 0
        self._resample = resample
        self._resampler: Resampling | None = None

    def add(self, pcm: bytes, rate: int) -> bytes:
        """The samples at the listener's rate that are ready."""
        before = b""
        if rate != self._from:
            before = self.end()
            self._from, self._resampler = rate, self._resample(rate, self._rate)
        assert self._resampler is not None
        return before + self._resampler.feed(pcm)

    def end(self) -> bytes:
        """The samples still held back."""
        resampler, self._resampler = self._resampler, None
        return resampler.feed(b"", last=True) if resampler else b""

    def take(self, pcm: bytes) -> int:
        """The offset of the samples that leave now."""
        offset = self.samples
        self.samples += len(pcm) // SAMPLE_BYTES
        return offset


def _overheld(segment: int) -> effects.Failed:
    most = f"{sequencer.HELD_SEGMENTS} segments or {sequencer.HELD_BYTES // 1_000_000} MB"
    message = f"Playback is paused, and more waits to be heard than is kept: {most}."
    return effects.Failed(segment, None, "tts", "held_too_long", message, False)


def _ms(samples: int) -> float:
    return round(samples * 1000 / SPEECH_RATE, 1)
