"""What Redis keeps of the sessions and rooms of one gateway, so that another can go on with them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable

from pydantic import TypeAdapter

from bridge.store.records import Record
from gateway.core import inputs
from gateway.core.seat import Seat
from gateway.core.takeover import Takeover
from gateway.runtime.backend import Backend
from gateway.runtime.hall import Hall
from gateway.runtime.runner import Runner

MARGIN_SECONDS = 30
"""A record outlives the window by what lies between two times that it is kept."""
ANNOUNCE_SECONDS = 0.2
"""Between two changes that are told: a class that comes in at once is told of a few times."""

_seats: TypeAdapter[Seat] = TypeAdapter(Seat)


class Register:
    """Records of sessions, and who is in which room; a client may be away for `window` seconds."""

    def __init__(self, backend: Backend) -> None:
        # Beyond what the journal holds nothing that was missed could be told.
        self.window = min(backend.settings.resume_window_s, backend.settings.journal_seconds)
        self._backend = backend
        self._ttl = int(self.window) + MARGIN_SECONDS

    # Sessions

    def create(self, runner: Runner) -> str:
        """Begins the record of a session; returns the token of its client, "" where nobody may come back."""
        if not self.window:
            return ""
        token = secrets.token_urlsafe(24)
        created = self._backend.records.create(runner.id, _record(runner), token, self._ttl)
        self._backend.errands.run("keep session", created, session=runner.id)
        return token

    async def take(self, session: str, token: str, *, held: bool) -> tuple[Record, str]:
        """Gives a session to this gateway, which may have `held` it already; returns its record and the next
        token of its client.

        Raises NotKept, WrongToken and RedisUnavailable.
        """
        new = secrets.token_urlsafe(24)
        return await self._backend.records.take(session, token, new, self._ttl, held), new

    async def keep(self, runners: Iterable[Runner]) -> None:
        """Brings their records up to date. Raises RedisUnavailable."""
        if self.window:
            records = {runner.id: _record(runner) for runner in runners}
            await self._backend.records.keep(records, self._ttl)

    async def unstored(self, hall: Hall, session: str) -> frozenset[int]:
        """The segments of a session in work whose speech is not in Redis. Raises RedisUnavailable."""
        waiting = [
            (state.cut.segment, state.cut.revision)
            for state in hall.core.ledger(session).open
            if state.transcript is None
        ]
        return await self._backend.sessions.missing_audio(session, waiting)

    # Rooms

    async def look(self, hall: Hall) -> None:
        """Tells a room who is in it, at any gateway. Raises RedisUnavailable."""
        hall.handle(inputs.Attended(await self._backend.attendance.get(hall.id)))

    async def keep_hall(self, hall: Hall) -> None:
        """Keeps a room, and who is in it here, for a while more. Raises RedisUnavailable."""
        await self._backend.attendance.put(hall.id, hall.presence(self._backend.gateway), self._ttl)
        await self._backend.rooms.touch(hall.id, self._backend.settings.room_ttl_seconds)
        await self.look(hall)

    def attended(self, hall: Hall) -> None:
        """Who is in a room by way of this gateway has changed: the others are told, in order."""
        if not hall.announcing:
            hall.announcing = True
            self._backend.errands.run("tell who is there", self._announce(hall), room=hall.id)

    async def _announce(self, hall: Hall) -> None:
        told = None
        try:
            while (presence := hall.presence(self._backend.gateway)) != told:
                await self._backend.attendance.put(hall.id, presence, self._ttl, announce=True)
                told = presence
                await asyncio.sleep(ANNOUNCE_SECONDS)
        finally:
            hall.announcing = False


def _record(runner: Runner) -> Record:
    seat = _seats.dump_json(runner.seat)
    return Record(seat, runner.hall.after, runner.seq, runner.segments_cut)


def seat_of(record: Record) -> Seat:
    """The seat of a session."""
    return _seats.validate_json(record.seat)


def takeover(record: Record, held: int, unstored: frozenset[int]) -> tuple[Takeover, bytes]:
    """How a session goes on whose client has audio from sample `held` on, and what its judge remembers."""
    kept = held <= record.at
    voiced = kept and record.memory[:1] == b"\1"
    memory = record.memory[1:] if kept else b""
    return Takeover(max(held, record.at), voiced, record.segments, unstored), memory
