"""Runs one session: owns its time and its I/O, asks the core what to do, and does it.

Audio waits here, ahead of the segmenter and within a budget, in the order in which it came with what must
keep that order (commit, update, end). All else is done at once, however much audio waits.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from bridge.audio import Resampler
from bridge.settings import Settings
from bridge.store import keys
from bridge.types import SAMPLE_BYTES, SPEECH_RATE, Entry
from gateway.core import effects, inputs
from gateway.core.room import Room
from gateway.core.terms import Patience, Terms
from gateway.runtime.backend import Backend
from gateway.runtime.dispatcher import Job
from gateway.runtime.vad import WINDOW_BYTES

log = structlog.get_logger(__name__)

SLICE = 16 * WINDOW_BYTES
"""Audio judged at a time: half a second, so that a recording gives way to everybody else."""

ORDERED_BYTES = 320
"""What anything but audio counts for in the budget: as much as 10 ms, so that it has a bound too."""

Ordered = inputs.Commit | inputs.Update | inputs.End


class Mouth(Protocol):
    """The protocol that this session speaks. All calls return at once."""

    def say(self, said: effects.Say) -> None: ...

    def play(self, sound: effects.Play) -> None: ...

    def purge(self, before: int) -> None: ...

    def full(self) -> bool:
        """Whether the client reads too slowly for more to be begun."""

    def hold(self, holding: bool) -> None:
        """The budget of audio is used up (True), or has room again: read no further until then."""

    def broken(self) -> None:
        """A fault of the program ended the session."""


class Runner:
    """One session on this gateway."""

    def __init__(self, backend: Backend, terms: Terms, mouth: Mouth) -> None:
        self.id = secrets.token_hex(8)
        self._backend = backend
        self._mouth = mouth
        settings = backend.settings
        self._room = Room(self.id, terms, Patience.of(settings), settings.session_max_segments, Resampler)
        self._stream = backend.judge.stream()
        self._ahead: deque[bytes | Ordered] = deque()
        self._ahead_bytes = 0
        self._budget = _budget(settings)
        self._holding = False
        self._tail = b""
        self._samples = 0
        self._judging = False
        self._pumping = False
        self._timer: asyncio.TimerHandle | None = None
        self._superseded: effects.Supersede | None = None
        self._first = 0
        self._over = False
        self._loop = asyncio.get_running_loop()
        self._log = log.bind(session=self.id)

    @property
    def first(self) -> int:
        """The first segment whose work is still wanted."""
        return self._first

    @property
    def terms(self) -> Terms:
        """What will hold for the next segment."""
        for item in reversed(self._ahead):
            if isinstance(item, inputs.Update):
                return item.terms
        return self._room.speaker.agreed

    @property
    def segments_cut(self) -> int:
        return self._room.speaker.segments_cut

    async def open(self) -> None:
        """Takes up the session. Raises RedisUnavailable."""
        await self._backend.relay.add(self)
        self._do(self._room.join(time.monotonic()))

    async def close(self) -> None:
        """Ends the session and its work."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._ahead.clear()
        self._backend.writer.forget(self.id)
        self._backend.dispatcher.forget(self.id)
        unheard = self._room.speaker.unheard()
        await self._backend.relay.remove(self)
        if unheard:
            names = [keys.audio(self.id, segment, revision) for segment, revision in unheard]
            self._backend.errands.run("drop audio", self._backend.sessions.drop_audio(*names))

    # From the client

    def audio(self, pcm: bytes) -> None:
        """The next audio, PCM s16le mono 16 kHz, whole samples."""
        self._samples += len(pcm) // SAMPLE_BYTES
        self._room.handle(inputs.Arrived(self._samples), time.monotonic())
        self._ahead.append(pcm)
        self._ahead_bytes += len(pcm)
        self._pump()

    def ordered(self, given: Ordered) -> None:
        """What counts from this place in the audio on."""
        self._ahead.append(given)
        self._ahead_bytes += ORDERED_BYTES
        self._pump()

    def handle(self, given: inputs.Input) -> int | None:
        """What counts at once; returns the number of the decision that it led to, if it did."""
        if self._over:
            return None
        decided: int | None = None
        try:
            found = self._room.handle(given, time.monotonic())
            decided = next((e.decision.number for e in found if isinstance(e, effects.Append)), None)
            self._do(found)
            self._pump()
        except Exception:
            self._log.exception("session failed; the others go on", input=type(given).__name__)
            self._mouth.broken()
        return decided

    # From the relay

    def deliver(self, entry: Entry) -> None:
        """The next entry of the room's journal."""
        self.handle(entry)

    def lost(self) -> None:
        """Redis came back without this session."""
        self.handle(inputs.Lost())

    def writable(self) -> None:
        """The client reads again."""
        self._pump()

    # Audio to the core

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._ahead and not self._judging and self._hungry():
                given = self._ahead[0]
                if isinstance(given, bytes):
                    self._judge(self._slice())
                else:
                    self._ahead.popleft()
                    self._ahead_bytes -= ORDERED_BYTES
                    self._in_turn(given)
        finally:
            self._pumping = False
        self._bound()

    def _hungry(self) -> bool:
        return not self._over and self._room.speaker.hungry and not self._mouth.full()

    def _slice(self) -> bytes:
        """The audio that comes next, up to SLICE bytes in one piece."""
        parts, size = [], 0
        while self._ahead and size < SLICE:
            part = self._ahead[0]
            if not isinstance(part, bytes):
                break
            self._ahead.popleft()
            if size + len(part) > SLICE:
                self._ahead.appendleft(part[SLICE - size :])
                part = part[: SLICE - size]
            parts.append(part)
            size += len(part)
        self._ahead_bytes -= size
        return b"".join(parts)

    def _judge(self, pcm: bytes) -> None:
        whole = self._tail + pcm
        size = len(whole) // WINDOW_BYTES * WINDOW_BYTES
        self._tail = whole[size:]
        if not size:
            self.handle(inputs.Windows(pcm))
            return
        self._judging = True
        self._backend.judge.submit(
            self._stream, whole[:size], lambda found: self._judged(inputs.Windows(pcm, found))
        )

    def _judged(self, given: inputs.Windows | inputs.End) -> None:
        self._judging = False
        self.handle(given)

    def _in_turn(self, given: Ordered) -> None:
        if isinstance(given, inputs.End) and self._tail:
            self._judging = True
            padded = self._tail.ljust(WINDOW_BYTES, b"\0")
            self._backend.judge.submit(self._stream, padded, lambda found: self._judged(inputs.End(found[0])))
        else:
            self.handle(given)

    def _bound(self) -> None:
        full = self._ahead_bytes > self._budget
        if full != self._holding and (full or self._ahead_bytes < self._budget // 2):
            self._holding = full
            self._mouth.hold(full)

    # What the core wants done

    def _do(self, wanted: Sequence[effects.Effect]) -> None:
        for effect in wanted:
            match effect:
                case effects.Say():
                    self._mouth.say(effect)
                case effects.Play():
                    self._mouth.play(effect)
                case effects.Purge(before):
                    self._mouth.purge(before)
                case effects.Append(decision):
                    self._backend.writer.append(self.id, decision)
                case effects.Free(freed):
                    self._backend.dispatcher.free(self.id, freed)
                case effects.Timer(at):
                    self._arm(at)
                case _:
                    self._work(effect)

    def _work(self, effect: effects.Effect) -> None:
        sessions, errands = self._backend.sessions, self._backend.errands
        match effect:
            case effects.Supersede():
                self._superseded = effect
            case effects.Submit():
                self._submit(effect)
            case effects.Forget(segment, revision, superseded):
                name = keys.audio(self.id, segment, revision)
                errands.run("drop audio", sessions.drop_audio(name))
                if superseded:
                    errands.run("settle", sessions.settle(self.id, [keys.least(*key) for key in superseded]))
            case effects.Cancel(segment):
                self._first = segment
                errands.run("cancel", sessions.cancel_before(self.id, segment))

    def _submit(self, submit: effects.Submit) -> None:
        work = submit.work
        now = self._backend.fleet.now()
        if work.attempt:
            self._log.warning("sent again", segment=work.segment, stage=submit.stage, attempt=work.attempt)
        else:
            self._log.info("segment cut", segment=work.segment, ms=len(submit.pcm) // SAMPLE_BYTES // 16)
        submit = replace(submit, work=work.but(sent=now, deadline=now + submit.left))
        superseded, self._superseded = self._superseded, None
        self._backend.dispatcher.submit(Job(self.id, submit, superseded, self.handle))

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, at - time.monotonic())
        self._timer = self._loop.call_later(delay, self.handle, inputs.Tick())


def _budget(settings: Settings) -> int:
    return int(settings.session_ahead_seconds * SPEECH_RATE) * SAMPLE_BYTES
