"""How many recordings are with the server at once: as many as it has engines for, or takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from http.client import HTTPException
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit
from urllib.request import ProxyHandler, build_opener

from bridge.errors import GatewayError

SECONDS = 5.0
MOST = 8
"""An hour of speech in one language is 173 MB until its recording is done."""
T = TypeVar("T")


def offered(url: str) -> int:
    """How many recordings a gateway has engines for: the most slots of a stage, 1 if it does not say."""
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    if scheme not in ("http", "https"):
        return 1
    path = parts.path.rstrip("/").removesuffix("/v1/stream")
    address = urlunsplit((scheme, parts.netloc, f"{path}/readyz", "", ""))
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    try:
        with build_opener(ProxyHandler({} if local else None)).open(address, timeout=SECONDS) as answer:
            slots = max(int(slots) for slots in json.load(answer)["slots"].values())
            return min(max(slots, 1), MOST)
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
