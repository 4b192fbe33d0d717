"""Brings the journals to the sessions that this gateway serves, and keeps both alive in Redis."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog

from bridge.errors import RedisUnavailable
from bridge.store.journal import BEGIN, Journal
from bridge.store.sessions import Sessions
from bridge.types import Entry
from gateway.core.inputs import Input

log = structlog.get_logger(__name__)

KEEP_SECONDS = 10
SESSION_TTL_SECONDS = 60
"""A session whose gateway died is forgotten after this; its work stops with it."""
OUTAGE_PAUSE_SECONDS = 0.2
GATHER_SECONDS = 0.00012
"""Pause between two reads for each room, so that one read brings entries of several: 8 ms with 67 rooms."""
LONGEST_GATHER_SECONDS = 0.008


class Reader(Protocol):
    """A room, as the relay sees it. All calls come on the event loop, return at once and never raise."""

    id: str

    @property
    def firsts(self) -> Mapping[str, int]:
        """The sessions that are held here, and from which segment on their work is still wanted."""

    def deliver(self, entry: Entry) -> None: ...

    def handle(self, given: Input) -> None:
        """Tells of the workers."""

    def lost(self) -> None:
        """Redis came back without this room's queued work and journal."""


class _Kept:
    """A reader, the id it read last, and the size of what its journal holds of late."""

    def __init__(self, reader: Reader, after: str = BEGIN) -> None:
        self.reader = reader
        self.begin()
        self.after = after

    def begin(self) -> None:
        """A journal that is new: nothing of it was read."""
        self.after = BEGIN
        self.bytes = 0
        self.sizes: deque[tuple[str, int]] = deque()


class Relay:
    """One multiplexed read for all rooms: a connection per session would end at Redis' limit."""

    def __init__(
        self,
        journal: Journal,
        sessions: Sessions,
        now: Callable[[], float],
        outage: Callable[[], None],
        *,
        seconds: int,
        max_bytes: int,
    ) -> None:
        """`now` is Redis' clock, `outage` is told when it is away; the rest bounds a journal."""
        self._journal = journal
        self._sessions = sessions
        self._now = now
        self._outage = outage
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._kept: dict[str, _Kept] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.also_told: Callable[[Entry], None] = lambda entry: None
        self.also_keep: Callable[[], Awaitable[None]] | None = None
        self._away = asyncio.Event()
        self._stopped = False

    @property
    def readers(self) -> list[Reader]:
        """The rooms served."""
        return [kept.reader for kept in self._kept.values()]

    def start(self) -> None:
        """Begins to read and to keep."""
        loops = (self._read, self._keep)
        self._tasks = [asyncio.create_task(self._forever(loop), name=loop.__name__) for loop in loops]

    async def stop(self) -> None:
        """Ends both."""
        # asyncio.wait_for of Python 3.11, within redis-py, may swallow a cancellation.
        self._stopped = True
        left = set(self._tasks)
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=0.1)

    async def open(self, room: str) -> None:
        """Makes the journal of a room, if it is not there. Raises RedisUnavailable."""
        await self._journal.open([room], self._ttl)

    async def keep(self, session: str) -> None:
        """Opens the work of a session, which is kept as long as its room says so. Raises RedisUnavailable."""
        await self._sessions.keep({session: 0}, SESSION_TTL_SECONDS)

    async def add(self, reader: Reader, after: str) -> None:
        """Reads the journal of a room from `after` on. Raises RedisUnavailable."""
        self._kept[reader.id] = _Kept(reader, after)
        try:
            await self._journal.wake()
        except BaseException:
            del self._kept[reader.id]
            raise

    def remove(self, reader: Reader) -> None:
        """Reads a journal no further."""
        self._kept.pop(reader.id, None)

    @property
    def _ttl(self) -> int:
        return max(SESSION_TTL_SECONDS, self._seconds)

    async def _forever(self, loop: Callable[[], Awaitable[None]]) -> None:
        away = False
        while not self._stopped:
            try:
                await loop()
                if away:
                    log.info("redis is back")
                away = False
            except RedisUnavailable as error:
                if not away:
                    log.error("redis away", error=error.message, hint=error.hint)
                away = True
                self._away.set()
                self._outage()
                await asyncio.sleep(OUTAGE_PAUSE_SECONDS)
            except Exception:
                log.exception("relay failed; it goes on")
                await asyncio.sleep(OUTAGE_PAUSE_SECONDS)

    async def _read(self) -> None:
        after = {room: kept.after for room, kept in self._kept.items()}
        full = []
        for room, entry, size in await self._journal.read(after):
            kept = self._kept.get(room)
            # A room whose journal was made anew meanwhile is read again from its start.
            if kept is None or kept.after != after[room]:
                continue
            kept.after = after[room] = entry.id
            if entry.item is None:
                log.warning("unreadable entry skipped", room=room, entry=entry.id)
            else:
                kept.reader.deliver(entry)
                self.also_told(entry)
            if self._measure(kept, entry.id, size):
                full.append(room)
        if full:
            await self._journal.trim({room: self._kept[room].sizes[0][0] for room in full})
        await asyncio.sleep(min(LONGEST_GATHER_SECONDS, len(self._kept) * GATHER_SECONDS))

    def _measure(self, kept: _Kept, entry: str, size: int) -> bool:
        """Counts an entry; True when the journal holds too much and its oldest entries must go."""
        kept.sizes.append((entry, size))
        kept.bytes += size
        full = kept.bytes > self._max_bytes
        while kept.bytes > self._max_bytes and len(kept.sizes) > 1:
            kept.bytes -= kept.sizes.popleft()[1]
        return full

    async def _keep(self) -> None:
        """Every KEEP_SECONDS, and after an outage until it succeeds: Redis may have lost everything."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KEEP_SECONDS):
                await self._away.wait()
        self._away.clear()
        firsts = {name: first for kept in self._kept.values() for name, first in kept.reader.firsts.items()}
        await self._sessions.keep(firsts, SESSION_TTL_SECONDS)
        lost = await self._journal.open(list(self._kept), self._ttl)
        for room in lost:
            if (kept := self._kept.get(room)) is not None:
                log.warning("room was lost in redis", room=room)
                kept.begin()  # the new journal's clock may run behind the old one's ids
                kept.reader.lost()
        if lost:
            await self._journal.wake()
        await self._trim()
        if self.also_keep is not None:
            await self.also_keep()

    async def _trim(self) -> None:
        least = f"{int((self._now() - self._seconds) * 1000)}-0"
        for kept in self._kept.values():
            while kept.sizes and _older(kept.sizes[0][0], least):
                kept.bytes -= kept.sizes.popleft()[1]
        await self._journal.trim(dict.fromkeys(self._kept, least))


def _older(entry: str, least: str) -> bool:
    return int(entry.partition("-")[0]) < int(least.partition("-")[0])
