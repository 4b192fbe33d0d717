"""Brings the workers' events to the sessions of this gateway, and keeps those sessions alive in Redis."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

import structlog

from bridge.errors import RedisUnavailable
from bridge.streams import Feed, Store
from bridge.types import Event

log = structlog.get_logger(__name__)

KEEP_SECONDS = 10
SESSION_TTL_SECONDS = 60
"""A session whose gateway died is forgotten after this; its work stops with it."""
TICK_SECONDS = 0.1
OUTAGE_PAUSE_SECONDS = 0.2


class Listener(Protocol):
    """A session, as the relay sees it. All calls come on the event loop and return at once."""

    id: str

    @property
    def first(self) -> int:
        """The first segment whose work is still wanted."""

    def deliver(self, event: Event) -> None: ...

    def lost(self, now: float) -> None:
        """Redis came back without this session's queued work and events."""

    def tick(self, now: float) -> None: ...


class Relay:
    """One multiplexed read for all sessions: a connection per session would end at Redis' limit."""

    def __init__(self, store: Store, feed: Feed) -> None:
        self._store = store
        self._feed = feed
        self._listeners: dict[str, Listener] = {}
        self._after: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._away = asyncio.Event()
        self._stopped = False

    @property
    def sessions(self) -> list[Listener]:
        return list(self._listeners.values())

    def start(self) -> None:
        loops = (self._read, self._keep, self._tick)
        self._tasks = [asyncio.create_task(self._forever(loop), name=loop.__name__) for loop in loops]

    async def stop(self) -> None:
        # asyncio.wait_for of Python 3.11, within redis-py, may swallow a cancellation.
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._feed.close()

    async def add(self, listener: Listener) -> None:
        """Opens the session in Redis and hears its events from now on. Raises RedisUnavailable."""
        await asyncio.to_thread(self._store.keep, {listener.id: listener.first}, SESSION_TTL_SECONDS)
        self._listeners[listener.id] = listener
        self._after[listener.id] = "0-0"
        try:
            await self._feed.wake()
        except BaseException:
            self._forget(listener)
            raise

    async def remove(self, listener: Listener) -> None:
        """Forgets the session and ends its work. A Redis that is away forgets it by itself."""
        self._forget(listener)
        try:
            await asyncio.to_thread(self._store.close_session, listener.id)
        except RedisUnavailable as error:
            log.warning("session left to expire", session=listener.id, error=error.message)

    def _forget(self, listener: Listener) -> None:
        self._listeners.pop(listener.id, None)
        self._after.pop(listener.id, None)

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
                await asyncio.sleep(OUTAGE_PAUSE_SECONDS)
            except Exception:
                log.exception("relay failed; it goes on")
                await asyncio.sleep(OUTAGE_PAUSE_SECONDS)

    async def _read(self) -> None:
        for session, entry_id, event in await self._feed.read(dict(self._after)):
            if session in self._after:
                self._after[session] = entry_id
                if event is None:
                    log.warning("unreadable event skipped", session=session, entry=entry_id)
                    continue
                with _alone(session):
                    self._listeners[session].deliver(event)

    async def _keep(self) -> None:
        """Every KEEP_SECONDS, and after an outage until it succeeds: Redis may have lost everything."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KEEP_SECONDS):
                await self._away.wait()
        self._away.clear()
        alive = {session: listener.first for session, listener in self._listeners.items()}
        made_anew = await asyncio.to_thread(self._store.keep, alive, SESSION_TTL_SECONDS)
        for session in made_anew & self._listeners.keys():
            log.warning("session was lost in redis", session=session)
            with _alone(session):
                self._listeners[session].lost(time.monotonic())

    async def _tick(self) -> None:
        now = time.monotonic()
        for listener in self.sessions:
            with _alone(listener.id):
                listener.tick(now)
        await asyncio.sleep(TICK_SECONDS)


@contextlib.contextmanager
def _alone(session: str) -> Iterator[None]:
    """Lets a session that fails harm no other."""
    try:
        yield
    except Exception:
        log.exception("session failed; the others go on", session=session)
