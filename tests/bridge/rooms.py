"""A room as its gateway would keep it, for tests of workers: real keys, called without an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from bridge.store import keys
from bridge.store.journal import Journal, decode
from bridge.store.sessions import Sessions
from bridge.types import Event


class Room:
    """The room `room` with the session `alice` in it, open from segment 0 on."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = keys.connect(url, patient=False)
        self.open()

    def open(self) -> None:
        """Makes what is missing, as a gateway does again and again."""
        self.do(lambda sessions: sessions.keep({"alice": 0}, 60))

        async def journal() -> None:
            made = Journal(self.url, "test")
            await made.open(["room"], 60)
            await made.close()

        asyncio.run(journal())

    def do(self, call: Callable[[Sessions], Awaitable[Any]]) -> Any:
        """Runs one method of Sessions: `do(lambda sessions: sessions.cancel_before("alice", 3))`."""

        async def once() -> Any:
            sessions = Sessions(self.url)
            try:
                return await call(sessions)
            finally:
                await sessions.close()

        return asyncio.run(once())

    def events(self) -> list[Event]:
        """What workers wrote, in order."""
        entries: Any = self.client.xrange(keys.journal("room"))
        return [item for _, entry in entries if isinstance(item := decode(entry), Event)]

    def now(self) -> float:
        """The time on the clock of Redis, in seconds."""
        seconds, micros = self.client.time()
        return float(seconds) + float(micros) / 1e6

    def close(self) -> None:
        self.client.close()
