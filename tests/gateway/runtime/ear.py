"""A relay on a real Redis, sessions that only listen to it, and the workers whom they hear."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import redis

from bridge.store.journal import BEGIN, Journal
from bridge.store.sessions import Sessions
from bridge.store.work import Desk
from bridge.types import Entry, Event
from gateway.core.inputs import Input
from gateway.runtime.relay import Relay


class Ear:
    """A room of one that keeps what it is given; `deaf` ones fail at it."""

    def __init__(self, name: str, first: int = 0, *, deaf: bool = False) -> None:
        self.id = name
        self.first = first
        self.entries: list[Entry] = []
        self.losses = 0
        self._deaf = deaf

    @property
    def firsts(self) -> dict[str, int]:
        return {self.id: self.first}

    @property
    def heard(self) -> list[Event]:
        return [entry.item for entry in self.entries if isinstance(entry.item, Event)]

    @property
    def indexes(self) -> list[int]:
        return [event.index for event in self.heard]

    def deliver(self, entry: Entry) -> None:
        self.entries.append(entry)
        if self._deaf:
            raise LookupError("it cannot hear")

    def handle(self, given: Input) -> None:
        pass

    def lost(self) -> None:
        self.losses += 1


class Redis:
    """The workers' side of a Redis, and a look into it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = redis.Redis.from_url(url)
        self._desk = Desk(url)
        self.outages = 0

    def emit(self, room: str, index: int, pcm: bytes = b"") -> None:
        kind = "audio" if pcm else "text"
        self._desk.emit(room, Event(kind, "stt", room, 0, index=index, text="go", pcm=pcm))  # type: ignore[arg-type]

    def ids(self, room: str) -> list[str]:
        entries: Any = self.client.xrange(f"journal:{room}")
        return [entry.decode() for entry, _ in entries]

    def outage(self) -> None:
        self.outages += 1

    def close(self) -> None:
        self._desk.close()
        self.client.close()


def made(store: Redis, journal: Journal | None = None, **bounds: Any) -> Relay:
    now = bounds.pop("now", time.time)
    bounds = {"seconds": 60, "max_bytes": 16_000_000} | bounds
    journal = journal or Journal(store.url, "test")
    return Relay(journal, Sessions(store.url), now, store.outage, **bounds)


@asynccontextmanager
async def relaying(store: Redis, **bounds: Any) -> AsyncIterator[Relay]:
    running = made(store, **bounds)
    running.start()
    try:
        yield running
    finally:
        await running.stop()
        await closed(running)


async def added(relay: Relay, ear: Ear) -> None:
    """Opens the room of a session and reads it from its start."""
    await relay.keep(ear.id)
    await relay.open(ear.id)
    await relay.add(ear, BEGIN)


async def closed(relay: Relay) -> None:
    await relay._journal.close()
    await relay._sessions.close()


def play(store: Redis, scene: Callable[[Relay], Awaitable[None]], **bounds: Any) -> None:
    async def run() -> None:
        async with relaying(store, **bounds) as running:
            await scene(running)

    asyncio.run(run())
