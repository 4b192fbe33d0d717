"""Writes the decisions of all rooms into their journals, in order and several in one round trip."""

from __future__ import annotations

import asyncio

import structlog

from bridge.errors import RedisUnavailable
from bridge.store.journal import Item, Journal

log = structlog.get_logger(__name__)

OUTAGE_PAUSE_SECONDS = 0.2


class Writer:
    """One for each gateway. What could not be written waits for Redis; rooms bound how much that is."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._pending: list[tuple[str, Item | None]] = []
        self._some = asyncio.Event()
        self._count = 0
        self._done = 0
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.create_task(self._write(), name="writer")

    async def stop(self) -> None:
        """Ends; what is not written by then is lost with its sessions."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def append(self, room: str, item: Item) -> None:
        """Will be written, after all that was given before."""
        self._pending.append((room, item))
        self._count += 1
        self._some.set()

    async def written(self) -> None:
        """Waits until all that was given so far stands in the journals."""
        if self._done >= self._count:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._count, future))
        await future

    def forget(self, room: str) -> None:
        """Drops what waits for a room that is over."""
        # Their places stay: whoever waits for what was given before counts by them.
        self._pending = [(of, None if of == room else item) for of, item in self._pending]

    async def _write(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            while batch := self._pending:
                self._pending = []
                try:
                    await self._journal.append([(room, it) for room, it in batch if it is not None])
                except RedisUnavailable as error:
                    log.warning("decisions wait for redis", count=len(batch), error=error.message)
                    self._pending = batch + self._pending
                    await asyncio.sleep(OUTAGE_PAUSE_SECONDS)
                    continue
                except Exception:
                    log.exception("decisions dropped; they are written again", count=len(batch))
                self._done += len(batch)
                self._tell()

    def _tell(self) -> None:
        for count, future in self._waiters:
            if count <= self._done and not future.done():
                future.set_result(None)
        self._waiters = [waiter for waiter in self._waiters if not waiter[1].done()]
