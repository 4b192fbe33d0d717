"""What listeners were sent before, read again while the journal goes on."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

import pytest

from bridge.store.journal import BEGIN, Journal
from bridge.types import Decision, Entry
from gateway.core.effects import Purge
from gateway.core.tuning import Tuning
from gateway.runtime.replay import replayed
from tests.gateway.runtime.ear import Redis

pytestmark = pytest.mark.redis

TUNING = Tuning("itself", "", 24_000, "alice")


class Busy(Journal):
    """A journal in which a room's next entry is written, and heard of, while its end is read."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "test")
        self.heard = BEGIN
        self.coming = 3

    async def history(self, room: str, after: str) -> list[tuple[Entry, int]]:
        page = await super().history(room, after)
        if self.coming:
            self.coming -= 1
            await self.say()
        return page

    async def say(self) -> None:
        """One more entry that the room has heard."""
        number = 2 - self.coming
        await self.append([("alice", Decision("began", "alice", number=number, segment=number))])
        reply: Any = await self._writer.xrevrange("journal:alice", count=1)
        self.heard = reply[0][0].decode()


def test_a_replay_misses_nothing_that_was_heard_while_its_end_was_read(store: Redis) -> None:
    async def run() -> None:
        journal = Busy(store.url)
        await journal.open(["alice"], 60)
        listener, frames = await replayed(journal, "alice", TUNING, inf, lambda: journal.heard)
        assert [frame.seq for _, frame in frames if not isinstance(frame, Purge)] == [2, 3, 4]
        assert listener.seq == 4
        assert frames[-1][0] == journal.heard
        await journal.close()

    asyncio.run(run())


def test_a_replay_ends_where_all_that_was_heard_is_forgotten(store: Redis) -> None:
    async def run() -> None:
        journal = Journal(store.url, "test")
        await journal.open(["alice"], 60)
        listener, frames = await replayed(journal, "alice", TUNING, inf, lambda: "9999-0")
        assert (listener.seq, frames) == (1, [])
        await journal.close()

    asyncio.run(run())


def test_a_replay_leaves_out_what_the_room_has_not_heard_yet(store: Redis) -> None:
    async def run() -> None:
        journal = Busy(store.url)
        await journal.open(["alice"], 60)
        journal.coming = 2
        await journal.say()
        heard = journal.heard
        journal.coming = 1
        await journal.say()
        journal.coming = 0
        _, frames = await replayed(journal, "alice", TUNING, inf, lambda: heard)
        assert [entry for entry, _ in frames] == [heard]
        await journal.close()

    asyncio.run(run())
