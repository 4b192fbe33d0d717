"""How many recordings are with the server at once: as many as it has engines for, or takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from http.client import HTTPException
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

from bridge.errors import GatewayError

SECONDS = 5.0
T = TypeVar("T")


def offered(url: str) -> int:
    """How many recordings a gateway has engines for: the fewest slots of a stage; 1 if it does not say."""
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    path = parts.path.rstrip("/").removesuffix("/v1/stream")
    try:
        with urlopen(urlunsplit((scheme, parts.netloc, f"{path}/readyz", "", "")), timeout=SECONDS) as answer:
            return max(1, min(int(slots) for slots in json.load(answer)["slots"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, HTTPException):
        return 1


class Places:
    """Runs work side by side, `total` at once. Of one event loop."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._running = 0
        self._changed = asyncio.Condition()

    async def run(self, work: Callable[[], Awaitable[T]], again: bool = True) -> T:
        """Runs `work` when there is a place for it.

        Where the server has none for it, and has some for others of ours, it is run `again` when one of
        them ends, and from then on fewer run at once. Raises what `work` does.
        """
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._running < self._total)
                self._running += 1
            try:
                return await work()
            except GatewayError as error:
                if error.code != "overloaded" or not again or self._running == 1:
                    raise
                self._total = max(1, min(self._total, self._running - 1))
            finally:
                async with self._changed:
                    self._running -= 1
                    self._changed.notify_all()
