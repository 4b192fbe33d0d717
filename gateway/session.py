"""One participant: audio in, segments out to the workers, captions and speech back in spoken order."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from bridge.errors import NoWorker, RedisUnavailable
from bridge.pipeline import Pipeline
from bridge.settings import Settings
from bridge.streams import Store, audio_key
from bridge.types import SAMPLE_BYTES, SPEECH_RATE, Event, Stage, Target, Work
from gateway import messages
from gateway.agreement import Terms
from gateway.deadlines import Deadlines, Limits, Overdue
from gateway.outbox import Outbox
from gateway.segmenter import Cut, Segmenter, Started, Stopped
from gateway.sequencer import (
    Done,
    Failed,
    Release,
    Sequencer,
    SpeechBegins,
    SpeechEnds,
    SpeechPiece,
    Transcribed,
    Translated,
)
from gateway.timings import Arrivals, Timeline

log = structlog.get_logger(__name__)

SLICE = 16_384
"""Bytes judged between two turns of the event loop: 16 VAD windows, about 2 ms."""
FAILURE_PAUSE_SECONDS = 0.3
"""An engine that is busy is asked again after this, then after twice as long."""
HELD_SEGMENTS = 32
"""Finished segments kept for a listener who paused; beyond, the oldest is dropped and announced."""
RESEND_SECONDS = 1.0
"""Pause before work that could not be sent (no Redis, no worker) is tried again."""


@dataclass(slots=True)
class Segment:
    """A segment in work: all that is needed to send any part of it again."""

    cut: Cut
    work: Work
    targets: tuple[Target, ...]
    timeline: Timeline
    transcript: Event | None = None
    translations: dict[str, Event] = field(default_factory=dict)


class Session:
    """Decides by segmenter, sequencer and deadlines; sends by the pipeline; speaks through the outbox."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        pipeline: Pipeline,
        outbox: Outbox,
        probability: Callable[[bytes], float],
        terms: Terms,
    ) -> None:
        self.id = secrets.token_hex(8)
        self.terms = terms
        self.segments_cut = 0
        self._settings = settings
        self._store = store
        self._pipeline = pipeline
        self._outbox = outbox
        self._segmenter = Segmenter(terms.cutting, probability)
        self._samples = 0
        self._arrivals = Arrivals()
        self._sequencer = Sequencer()
        self._deadlines = Deadlines(
            Limits(
                queue=settings.segment_queue_ms / 1000,
                run=settings.segment_run_ms / 1000,
                total=settings.segment_deadline_ms / 1000,
                attempts=settings.segment_attempts,
                pause=FAILURE_PAUSE_SECONDS,
            )
        )
        self._open: dict[int, Segment] = {}
        self._first = 0
        self._room = asyncio.Event()
        self._room.set()
        self._sending: set[asyncio.Task[None]] = set()
        self._indexes: dict[str, int] = {}
        self._log = log.bind(session=self.id)

    @property
    def first(self) -> int:
        return self._first

    # From the client

    async def hear(self, pcm: bytes) -> None:
        """Takes audio, PCM s16le mono 16 kHz. Waits while SESSION_MAX_SEGMENTS are in work."""
        now = time.monotonic()
        for at in range(0, len(pcm), SLICE):
            piece = pcm[at : at + SLICE]
            self._samples += len(piece) // SAMPLE_BYTES
            self._arrivals.note(self._samples, now)
            await self._follow(self._segmenter.feed(piece))
            await asyncio.sleep(0)

    async def commit(self) -> None:
        """Cuts here: push to translate."""
        await self._follow(self._segmenter.commit())

    async def finish(self) -> None:
        """Cuts what is left and waits until all segments are done or given up; a pause ends here."""
        self.resume()
        await self._follow(self._segmenter.flush())
        while self._open:
            self._room.clear()
            await self._room.wait()

    def update(self, terms: Terms) -> None:
        """Segments that begin from now on are cut, understood and heard like this."""
        self.terms = terms
        self._segmenter.configure(terms.cutting)

    def pause(self) -> None:
        self._sequencer.pause()

    def resume(self) -> None:
        self._release(self._sequencer.resume())

    async def stop(self) -> None:
        """Silences all that was said so far; what is said from now on is heard."""
        self._first = self.segments_cut
        for number in list(self._open):
            self._deadlines.forget(number)
        self._release(self._sequencer.stop())
        await asyncio.to_thread(self._store.cancel_before, self.id, self._first)

    async def close(self) -> None:
        """Forgets everything; the relay ends the work."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._drop([segment for segment in self._open.values() if segment.transcript is None])
        self._open.clear()

    # From the segmenter

    async def _follow(self, found: Sequence[Started | Stopped | Cut]) -> None:
        for event in found:
            if isinstance(event, Started):
                self._outbox.say(messages.SpeechStarted(segment=event.segment))
            elif isinstance(event, Stopped):
                self._outbox.say(messages.SpeechStopped(segment=event.segment))
            else:
                await self._begin(event)

    async def _begin(self, cut: Cut) -> None:
        await self._outbox.room()
        while len(self._open) - len(self._sequencer.held) >= self._settings.session_max_segments:
            self._room.clear()
            await self._room.wait()
        now = time.monotonic()
        self._arrivals.forget_before(cut.speech_end)
        work = Work(
            session=self.id,
            segment=cut.segment,
            revision=cut.revision,
            source=self.terms.source,
            rate=self.terms.rate,
            deadline=time.time() + self._settings.segment_deadline_ms / 1000,
        )
        timeline = Timeline(speech_end=self._arrivals.at(cut.speech_end), cut=now)
        self._open[cut.segment] = Segment(cut, work, self.terms.targets, timeline)
        self.segments_cut = cut.segment + 1
        self._sequencer.expect(cut.segment, [target.language for target in self.terms.targets], cut.revision)
        self._deadlines.cut(now, cut.segment, (cut.end - cut.start) / SPEECH_RATE)
        self._log.info("segment cut", segment=cut.segment, reason=cut.reason, ms=_ms(cut.end - cut.start))
        await self._send(Overdue(cut.segment, "stt", None, 0, "again", "new"))

    # To the workers

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, what: Overdue) -> None:
        """Sends a stage of a segment; what cannot be sent is due again in a moment."""
        segment = self._open.get(what.segment)
        if segment is None:
            return
        try:
            await asyncio.to_thread(self._submit, segment, what)
        except (RedisUnavailable, NoWorker) as error:
            self._log.warning("segment not sent", segment=what.segment, stage=what.stage, error=error.message)
            now = time.monotonic()
            self._deadlines.postpone(
                now + RESEND_SECONDS, what.segment, what.stage, what.target, error.message
            )

    def _submit(self, segment: Segment, what: Overdue) -> None:
        work = segment.work.but(attempt=what.attempt)
        if what.stage == "stt":
            ttl = self._settings.segment_deadline_ms / 1000
            key = self._store.put_audio(self.id, what.segment, work.revision, segment.cut.pcm, ttl)
            self._pipeline.submit(work.but(audio=key), segment.targets)
            return
        assert segment.transcript is not None and what.target is not None
        voice = next(target.voice for target in segment.targets if target.language == what.target)
        work = work.but(
            source=segment.transcript.language, target=what.target, voice=voice, text=segment.transcript.text
        )
        if what.stage == "tts":
            work = work.but(text=segment.translations[what.target].text)
        self._pipeline.resubmit(work, what.stage)

    async def _drop(self, segments: Sequence[Segment]) -> None:
        """Removes the speech of these segments from Redis, where it would stay until it expires."""
        keys = [audio_key(self.id, segment.cut.segment, segment.work.revision) for segment in segments]
        if keys:
            with contextlib.suppress(RedisUnavailable):
                await asyncio.to_thread(self._store.drop_audio, *keys)

    # From the workers

    def deliver(self, event: Event) -> None:
        """Takes an event from the relay."""
        segment = self._open.get(event.segment)
        if segment is None or event.revision != segment.work.revision:
            return
        now = time.monotonic()
        if event.kind == "failed":
            self._failed(now, event)
            return
        segment.timeline.note(event)
        if event.kind == "text":
            self._text(now, segment, event)
        elif event.kind != "done":
            self._deadlines.seen(now, event.segment, event.stage, event.target, event.attempt)
        elif self._sequencer.whole(event):
            self._deadlines.finished(event.segment, event.stage, event.target)
        else:
            self._failed(now, event)
        self._release(self._sequencer.accept(event))
        self._bound()

    def _bound(self) -> None:
        """Lets the pump go on for what is only held by a pause, which no worker will ever end."""
        held = self._sequencer.held
        if held:
            self._room.set()
        for number in held[: max(0, len(held) - HELD_SEGMENTS)]:
            self._release(self._sequencer.drop(number, _held_too_long(self.id, number)))

    def _text(self, now: float, segment: Segment, event: Event) -> None:
        if not self._deadlines.finished(event.segment, event.stage, event.target):
            return
        if event.stage == "stt":
            segment.transcript = event
            self._spawn(self._drop([segment]))
            following: Stage = "translation"
            targets = [target.language for target in segment.targets] if event.text else []
        else:
            assert event.target is not None
            segment.translations[event.target] = event
            following, targets = "tts", [event.target]
        for target in targets:
            self._deadlines.expect(now, event.segment, following, target)

    def _failed(self, now: float, event: Event) -> None:
        """A stage failed, or a part of its speech was lost on the way."""
        if not self._deadlines.failed(
            now,
            event.segment,
            event.stage,
            event.target,
            event.attempt,
            retryable=event.retryable or event.kind == "done",
        ):
            self._give_up(event)

    def lost(self, now: float) -> None:
        """Sends all that is in work again."""
        self._deadlines.hurry(now, "Redis lost it")

    def tick(self, now: float) -> None:
        """Sends again, or gives up, what is overdue."""
        for what in self._deadlines.due(now):
            if what.action == "again":
                self._log.warning(
                    "sent again",
                    segment=what.segment,
                    stage=what.stage,
                    attempt=what.attempt,
                    why=what.reason,
                )
                self._spawn(self._send(what))
            else:
                message = f"The {what.stage} stage gave no result: {what.reason}."
                self._give_up(
                    Event(
                        "failed",
                        what.stage,
                        self.id,
                        what.segment,
                        target=what.target,
                        code="timed_out",
                        message=message,
                        retryable=True,
                    )
                )

    def _give_up(self, event: Event) -> None:
        self._deadlines.forget(event.segment, event.target)
        self._release(self._sequencer.fail(event.segment, event.target, event.stage, event))

    # To the client

    def _release(self, released: Sequence[Release]) -> None:
        for item in released:
            self._say(item)

    def _say(self, item: Release) -> None:
        segment = self._open[item.segment]
        now = time.monotonic()
        match item:
            case SpeechPiece(number, target, offset, pcm):
                segment.timeline.first_audio = segment.timeline.first_audio or now
                self._outbox.play(number, self._index(target), offset, pcm)
            case SpeechBegins(number, target, rate):
                index = self._index(target)
                self._outbox.say(messages.AudioStart(segment=number, target=target, index=index, rate=rate))
            case SpeechEnds(number, target, rate, samples):
                self._outbox.play(number, self._index(target), samples, b"", last=True)
                duration = round(samples * 1000 / rate, 1)
                self._outbox.say(
                    messages.AudioEnd(segment=number, target=target, rate=rate, duration_ms=duration)
                )
            case Transcribed(number, event):
                self._outbox.say(_transcript(segment.cut, event))
            case Translated(number, target, event):
                self._outbox.say(messages.TranslationFinal(segment=number, target=target, text=event.text))
            case Failed():
                self._outbox.say(_failure(item))
            case Done(number):
                del self._open[number]
                self._deadlines.forget(number)
                self._room.set()
                timings = messages.Timings(**segment.timeline.timings_ms(now))
                self._outbox.say(messages.SegmentDone(segment=number, timings_ms=timings))

    def _index(self, target: str) -> int:
        """The number that stands for a target in audio frames; it never changes in a session."""
        return self._indexes.setdefault(target, len(self._indexes))


def _held_too_long(session: str, segment: int) -> Event:
    message = f"Playback is paused and {HELD_SEGMENTS} later segments wait."
    return Event("failed", "tts", session, segment, code="held_too_long", message=message)


def _transcript(cut: Cut, event: Event) -> messages.TranscriptFinal:
    return messages.TranscriptFinal(
        segment=event.segment,
        text=event.text,
        language=event.language or "",
        start_ms=_ms(cut.start),
        end_ms=_ms(cut.speech_end),
        confidence=event.confidence,
    )


def _failure(failed: Failed) -> messages.SegmentFailed:
    return messages.SegmentFailed(
        segment=failed.segment,
        target=failed.target,
        stage=failed.stage,
        code=failed.code,
        message=failed.message,
        retryable=failed.retryable,
    )


def _ms(samples: int) -> float:
    return round(samples * 1000 / SPEECH_RATE, 1)
