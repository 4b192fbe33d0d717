"""One round of questions: to the gateway, to every process that it names, and to Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from bridge.cli.network import base_of
from bridge.cli.status.asking import Target, Trouble, pages, targets
from bridge.cli.status.kept import Keeper, Kept
from bridge.cli.status.numbers import Numbers
from bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class Sight:
    """What it brought, `at` so many seconds. `silent` are the addresses that gave no numbers, and why; `kept`
    is what Redis knows, or why that is not known here."""

    at: float
    url: str
    trouble: Trouble
    targets: tuple[Target, ...]
    pages: Mapping[str, Numbers]
    silent: Mapping[str, str]
    kept: Kept | str


class Sources:
    """Asks the gateway at `url`, and the Redis that the settings name. Raises GatewayError for no URL."""

    def __init__(self, url: str, settings: Settings) -> None:
        self.url = base_of(url)
        self._keeper = Keeper(settings)
        self._before: list[Target] = []

    async def look(self) -> Sight:
        """All of them at once, so that it takes as long as the slowest: some 4 s at most."""
        (trouble, named), kept = await asyncio.gather(targets(self.url), self._keeper.look())
        if trouble:
            named = _known(kept) if isinstance(kept, Kept) else self._before
        elif isinstance(kept, Kept) and not _same(named, kept):
            kept = "the settings here name another Redis than the gateway's"
        self._before = named
        read, silent = await pages({each.address: f"http://{each.address}/metrics" for each in named})
        seen = Sight(time.monotonic(), self.url, trouble, tuple(named), read, silent, kept)
        gateways = {each.address for each in named if each.job == "gateway"}
        if trouble == "no_gateway" or len(gateways) > 1 or gateways & read.keys():
            return seen
        return await self._by_url(seen)

    async def _by_url(self, seen: Sight) -> Sight:
        """The only gateway by the address that is known to lead to it: what it calls itself may mean nothing
        here, as the name of a container does outside of it, and older releases name nobody."""
        own = urlsplit(self.url).netloc
        read, silent = await pages({own: f"{self.url}/metrics"})
        if read and seen.trouble == "stranger":
            seen = replace(seen, trouble="", targets=(), kept="the gateway does not tell which Redis it uses")
        workers = [each for each in seen.targets if each.job != "gateway"]
        unread = {each.address: seen.silent[each.address] for each in workers if each.address in seen.silent}
        return replace(
            seen,
            targets=(Target(own, "gateway"), *workers),
            pages={**seen.pages, **read},
            silent=unread | silent,
        )

    async def close(self) -> None:
        """Closes the connections."""
        await self._keeper.close()


def _known(kept: Kept) -> list[Target]:
    """Those that Redis knows, where the gateway names none."""
    workers = (worker for worker in kept.sighting.workers if worker.metrics)
    return [
        *(Target(address, "gateway") for address in sorted(kept.gateways)),
        *(Target(worker.metrics, "worker", {"worker": worker.name}) for worker in workers),
    ]


def _same(named: Sequence[Target], kept: Kept) -> bool:
    """Whether a gateway that was named keeps its address in that Redis."""
    return bool({each.address for each in named if each.job == "gateway"} & set(kept.gateways))
