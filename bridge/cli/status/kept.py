"""What Redis knows by itself of workers, queues, gateways and rooms, for what no metrics tell."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from bridge.cli import redis_server
from bridge.errors import BridgeError, RedisUnavailable
from bridge.settings import Settings
from bridge.store.backlog import Backlog, Queues
from bridge.store.gateways import Gateways
from bridge.store.registry import Sighting, Watch
from bridge.store.rooms import Rooms
from bridge.topology import load


@dataclass(frozen=True, slots=True)
class Kept:
    """`gateways` are the addresses of their metrics, `rooms` how many go on."""

    sighting: Sighting
    backlog: Backlog
    gateways: tuple[str, ...]
    rooms: int


class Keeper:
    """Asks the Redis of the settings; a private one is looked for again when it is gone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stores: tuple[Watch, Queues, Gateways, Rooms] | None = None
        self._named: tuple[str, ...] = ()

    async def look(self) -> Kept | str:
        """All of it, or why there is nothing."""
        try:
            if self._stores is None:
                await self._open()
            return await self._look()
        except RedisUnavailable as error:
            await self.close()
            return error.message

    async def close(self) -> None:
        """Closes the connections."""
        for store in self._stores or ():
            await store.close()
        self._stores = None

    async def _open(self) -> None:
        url = await asyncio.to_thread(redis_server.url_of, self._settings)
        self._stores = Watch(url), Queues(url), Gateways(url), Rooms(url)
        with suppress(BridgeError):  # it may lie elsewhere: then the queues that workers serve are all
            self._named = load(self._settings.topology).queues

    async def _look(self) -> Kept:
        assert self._stores is not None
        watch, queues, gateways, rooms = self._stores
        sighting = await watch.look()
        known = dict.fromkeys((*self._named, *(worker.queue for worker in sighting.workers)))
        backlog, addresses, many = await asyncio.gather(
            queues.look(list(known)), gateways.addresses(), rooms.count()
        )
        return Kept(sighting, backlog, tuple(addresses), many)
