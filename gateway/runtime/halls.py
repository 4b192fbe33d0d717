"""The rooms of this gateway: who comes in, who comes back from a drop, who leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from weakref import WeakValueDictionary

import structlog

from bridge.errors import NotKept, RedisUnavailable
from bridge.store import keys
from bridge.store.records import Record
from bridge.types import Presence
from gateway.core import inputs
from gateway.core.seat import Seat
from gateway.runtime.backend import Backend
from gateway.runtime.entered import Entered
from gateway.runtime.errands import in_time
from gateway.runtime.hall import Hall
from gateway.runtime.place import Place
from gateway.runtime.register import Register, seat_of, takeover
from gateway.runtime.replay import Replay
from gateway.runtime.runner import Runner
from gateway.runtime.spans import traced
from gateway.runtime.tally import Reason

log = structlog.get_logger(__name__)

CUT_SECONDS = 5.0
"""A speaker who is away for so long has what was said so far translated: the others wait for it."""
TAKE_SECONDS = 5.0
"""In which the journal must show that a session was taken over."""


def _anybody(presences: Sequence[Presence]) -> None:
    """Admits whoever comes."""


class Halls:
    """One for each gateway."""

    def __init__(self, backend: Backend) -> None:
        self.backend = self._backend = backend
        backend.relay.also_keep = self.keep
        self._register = Register(backend)
        self._halls: dict[str, Hall] = {}
        self._opening = asyncio.Lock()
        self._resuming: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._ending: set[str] = set()
        self._runners: dict[str, Runner] = {}
        self._away: dict[str, list[asyncio.TimerHandle]] = {}
        self._stopping = False

    @property
    def window(self) -> float:
        """Seconds in which a client may come back."""
        return self._register.window

    # In

    async def enter(self, seat: Seat, admit: Callable[[Sequence[Presence]], None] = _anybody) -> Entered:
        """A new session. Raises RedisUnavailable, and what `admit` raises, which is told who is there."""
        hall = await self._hall(seat)
        try:
            others = {} if hall.alone else await self._backend.attendance.get(hall.id)
            others.pop(self._backend.gateway, None)
            admit([*others.values(), hall.presence(self._backend.gateway)])
            if seat.speaks:
                await self._backend.relay.keep(seat.session)
            listener = await hall.listener(seat.tuning)
            # Meanwhile others may have come in here.
            admit([*others.values(), hall.presence(self._backend.gateway)])
            runner = Runner(self._backend, hall, seat)
        except BaseException:
            hall.unheard(seat.tuning)
            self._left(hall)
            raise
        frames = listener.begins_with(self._backend.fleet.now())
        # session.started has number 1.
        runner.ahead_of_room = 2 - frames[0].seq if frames else 1 - listener.seq
        self._seat(runner)
        self._backend.census.began(seat)
        token = self._register.create(runner)
        runner.join()
        return Entered(runner, token, frames)

    async def resume(self, session: str, token: str, place: Place, held: int) -> Entered:
        """A session whose client had come to `place`, and comes back with its audio from sample `held` on.

        Raises NotKept, WrongToken and RedisUnavailable.
        """
        # A client that comes twice, since its first attempt was slow, meets one that is whole.
        async with self._resuming.setdefault(session, asyncio.Lock()):
            runner, replay, new = await self._retaken(session, token, held)
            for timer in self._away.pop(session, ()):
                timer.cancel()
            tuning = runner.seat.tuning
            hall = runner.hall
            lanes = runner.seat.terms.pacing == "realtime"
            frames = replay.since(place.numbered(-runner.ahead_of_room, lanes))
            pauses = hall.core.listeners[tuning].pauses
            log.info("session resumed", session=session, frames=len(frames), samples=runner.samples)
            return Entered(runner, new, frames, True, pauses, lambda: hall.forget(tuning, replay))

    async def _retaken(self, session: str, token: str, held: int) -> tuple[Runner, Replay, str]:
        """The session, here, and its new token. Raises NotKept, WrongToken and RedisUnavailable."""
        had = self._runners.get(session)
        ending = session in self._ending
        record, new = await self._register.take(session, token, held=had is not None)
        if ending or session in self._ending:
            raise NotKept("The session ended a moment ago.", "Start a new one, without resume.")
        runner = self._runners.get(session)
        if runner is not None and runner.fence != record.fence:
            runner.expel()  # it was elsewhere meanwhile
            runner = None
        if runner is None and had is not None and had.fence == record.fence:
            raise _again()
        if runner is None:
            return *await self._fetch(session, record, held), new
        replay = await runner.hall.replay(runner.seat.tuning)
        if runner.stopped:
            runner.hall.forget(runner.seat.tuning, replay)
            raise _again()
        return runner, replay, new

    async def _fetch(self, session: str, record: Record, held: int) -> tuple[Runner, Replay]:
        """Takes a session from the gateway that had it. Raises RedisUnavailable."""
        seat = seat_of(record)
        hall = await self._hall(seat)
        try:
            if seat.speaks:
                await self._backend.relay.keep(session)
            unstored = await self._register.unstored(hall, session)
            replay = await hall.replay(seat.tuning)
        except BaseException:
            self._left(hall)
            raise
        runner = Runner(self._backend, hall, seat, record.fence)
        runner.ahead_of_room = record.seq - replay.number_at(record.anchor)
        self._seat(runner)
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                await runner.take(*takeover(record, held, unstored))
        except BaseException as error:
            hall.forget(seat.tuning, replay)
            self._leave(runner)
            if isinstance(error, TimeoutError):
                raise _again() from error
            raise
        return runner, replay

    def _left(self, hall: Hall) -> None:
        """Somebody did not come in after all."""
        hall.coming -= 1
        self._close_hall(hall)

    def _seat(self, runner: Runner) -> None:
        runner.hall.coming -= 1
        self._runners[runner.id] = runner
        self._backend.census.came(runner.seat)
        runner.gone = self._lost
        runner.hall.seat(runner)

    async def _hall(self, seat: Seat) -> Hall:
        """The room of a session, opened where it is not. Raises RedisUnavailable."""
        # One after the other: opening is quick, and two must not open the same.
        async with self._opening:
            hall = self._halls.get(seat.room)
            if hall is None:
                hall = await self._open(seat.room, seat.role == "alone")
                self._halls[seat.room] = hall
            hall.coming += 1
        return hall

    async def _open(self, room: str, alone: bool) -> Hall:
        backend, patience = self._backend, self._backend.settings.segment_deadline_ms / 1000
        hall = Hall(room, backend.journal, patience, None if alone else lambda: self._register.attended(hall))
        hall.spans = traced(backend.fleet.now)
        await backend.relay.open(room)
        await hall.catch_up()
        if not alone:
            await self._register.look(hall)
        hall.core.offered = lambda: backend.offer.pairs
        await backend.relay.add(hall, hall.after)
        return hall

    # Out

    def drop(self, runner: Runner) -> None:
        """The client of a session is gone, and may come back within the window."""
        if not self.window or self._stopping:
            self.close(runner, "lost")
            return
        log.info("client away", session=runner.id)
        runner.detach()
        loop = asyncio.get_running_loop()
        self._away[runner.id] = [
            loop.call_later(CUT_SECONDS, runner.ordered, inputs.Commit()),
            loop.call_later(self.window, self.close, runner, "lost"),
        ]

    def close(self, runner: Runner, reason: Reason = "done") -> None:
        """A session is over. What was said in a room is still heard to its end."""
        for timer in self._away.pop(runner.id, ()):
            timer.cancel()
        if self._runners.get(runner.id) is not runner:
            return
        self._backend.census.ended(runner.id, reason)
        self._ending.add(runner.id)
        self._backend.errands.run("forget session", self._forget(runner.id), session=runner.id)
        if runner.hall.alone or not runner.finish(runner.hall.patience, lambda: self.close(runner)):
            self._backend.errands.run("close session", self._closed(runner), session=runner.id)

    async def _forget(self, session: str) -> None:
        try:
            await self._backend.records.forget(session)
        finally:
            self._ending.discard(session)

    async def _closed(self, runner: Runner) -> None:
        """Ends all work of a session, and forgets it."""
        self._leave(runner)
        names = [keys.audio(runner.id, segment, revision) for segment, revision in runner.unheard]
        try:
            if runner.seat.speaks:
                await self._backend.sessions.close_session(runner.id)
                await self._backend.sessions.drop_audio(*names)
            if runner.hall.alone:
                await self._backend.journal.drop(runner.hall.id)
        except RedisUnavailable as error:
            log.warning("session left to expire", session=runner.id, error=error.message)
        log.info("session ended", session=runner.id, segments=runner.segments_cut)

    async def stop(self) -> None:
        """This gateway stops: what is there of each session stays in Redis for the next one."""
        self._stopping = True
        await in_time("sessions not left in order", self._backend.writer.written())
        await in_time("sessions not left in order", self._register.keep(self._runners.values()))
        for runner in list(self._runners.values()):
            self._leave(runner)

    def _lost(self, runner: Runner) -> None:
        """Another gateway has the session."""
        log.info("session taken over", session=runner.id)
        self._backend.census.ended(runner.id, "moved")
        self._leave(runner)

    def _leave(self, runner: Runner) -> None:
        runner.stop()
        for timer in self._away.pop(runner.id, ()):
            timer.cancel()
        if self._runners.get(runner.id) is runner:
            del self._runners[runner.id]
            self._backend.census.left(runner.seat)
        runner.hall.leave(runner)
        self._close_hall(runner.hall)

    def _close_hall(self, hall: Hall) -> None:
        if hall.guests or hall.coming or self._halls.get(hall.id) is not hall:
            return
        del self._halls[hall.id]
        self._backend.relay.remove(hall)
        if hall.alone:
            self._backend.writer.forget(hall.id)

    # Within

    async def retune(self, runner: Runner, seat: Seat, first: Callable[[], None] = lambda: None) -> None:
        """Somebody listens otherwise from now on, and is told what they should know, after `first`.

        Raises RedisUnavailable.
        """
        listener = await runner.hall.listener(seat.tuning)
        if runner.stopped:
            runner.hall.unheard(seat.tuning)
            return
        apart = seat.apart and not runner.seat.apart  # it goes on with the same
        frames = [] if apart else listener.begins_with(self._backend.fleet.now())
        seq = runner.seq
        runner.hall.retune(runner, seat)
        runner.ahead_of_room = seq + 1 - frames[0].seq if frames else seq - listener.seq
        first()
        for frame in frames:
            runner.hear(frame)
        self._backend.errands.run("keep session", self._register.keep([runner]), session=runner.id)

    # Kept

    async def keep(self) -> None:
        """Keeps in Redis what another gateway needs, every few seconds. Raises RedisUnavailable."""
        await self._register.keep(self._runners.values())
        for hall in [hall for hall in self._halls.values() if not hall.alone]:
            await self._register.keep_hall(hall)


def _again() -> RedisUnavailable:
    return RedisUnavailable(
        "The session is being taken by another connection, or its room is slow.", "Try again."
    )
