"""Decisions on their way to the journals: in order, also through an outage, and none waits for another's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from bridge.settings import Settings
from bridge.store.journal import Journal, decode
from bridge.types import Decision
from gateway.runtime.writer import Writer
from tests.stack import RedisProcess

pytestmark = pytest.mark.redis


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """A Redis that this test may kill."""
    server = RedisProcess(tmp_path)
    server.start()
    yield server
    server.kill()


def decided(room: str, number: int) -> Decision:
    return Decision("began", room, number=number, segment=number)


def numbers(url: str, room: str) -> list[int]:
    with redis.Redis.from_url(url) as client:
        entries: Any = client.xrange(f"journal:{room}")
        items = [decode(fields) for _, fields in entries]
    return [item.number for item in items if isinstance(item, Decision)]


def play(url: str, scene: Callable[[Writer, Journal], Awaitable[None]], *, start: bool = True) -> None:
    async def run() -> None:
        journal = Journal(url, "test")
        writer = Writer(journal)
        await journal.open(["alice", "bob"], 60)
        if start:
            writer.start()
        try:
            async with asyncio.timeout(20):
                await scene(writer, journal)
        finally:
            await writer.stop()
            await journal.close()

    asyncio.run(run())


def test_decisions_of_all_rooms_are_written_in_the_order_given(settings: Settings) -> None:
    async def scene(writer: Writer, _: Journal) -> None:
        for number in range(100):
            writer.append("alice", decided("alice", number))
            writer.append("bob", decided("bob", number))
            if number % 10 == 0:
                await asyncio.sleep(0)
        await writer.written()
        assert numbers(settings.redis_url, "alice") == numbers(settings.redis_url, "bob") == list(range(100))

    play(settings.redis_url, scene)


def test_written_waits_for_what_was_given_before(settings: Settings) -> None:
    async def scene(writer: Writer, _: Journal) -> None:
        await writer.written()  # nothing was given
        writer.append("alice", decided("alice", 0))
        waiting = asyncio.create_task(writer.written())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        writer.start()
        await waiting
        assert numbers(settings.redis_url, "alice") == [0]

    play(settings.redis_url, scene, start=False)


def test_a_room_that_is_over_does_not_come_back(settings: Settings) -> None:
    async def scene(writer: Writer, journal: Journal) -> None:
        await journal.drop("alice")
        writer.append("alice", decided("alice", 0))
        await writer.written()
        assert numbers(settings.redis_url, "alice") == []

    play(settings.redis_url, scene)


def test_what_was_decided_during_an_outage_is_written_after_it(own_redis: RedisProcess) -> None:
    async def scene(writer: Writer, journal: Journal) -> None:
        own_redis.kill()
        for number in range(3):
            writer.append("alice", decided("alice", number))
            await asyncio.sleep(0.1)
        own_redis.start()
        await journal.open(["alice"], 60)
        await writer.written()
        assert numbers(own_redis.url, "alice")[-1] == 2

    play(own_redis.url, scene)


def test_what_waits_for_a_room_that_is_over_is_dropped(settings: Settings) -> None:
    async def scene(writer: Writer, _: Journal) -> None:
        for number in range(3):
            writer.append("alice", decided("alice", number))
            writer.append("bob", decided("bob", number))
        writer.forget("alice")
        writer.start()
        await writer.written()
        assert (numbers(settings.redis_url, "alice"), numbers(settings.redis_url, "bob")) == ([], [0, 1, 2])

    play(settings.redis_url, scene, start=False)


def test_nobody_waits_for_ever_for_what_was_dropped(settings: Settings) -> None:
    async def scene(writer: Writer, _: Journal) -> None:
        writer.append("alice", decided("alice", 0))
        waiting = asyncio.create_task(writer.written())  # on behalf of bob, after what alice gave
        await asyncio.sleep(0)
        writer.forget("alice")
        writer.start()
        async with asyncio.timeout(2):
            await waiting

    play(settings.redis_url, scene, start=False)


def test_what_is_dropped_does_not_make_others_believe_that_theirs_is_written(settings: Settings) -> None:
    async def scene(writer: Writer, _: Journal) -> None:
        writer.append("bob", decided("bob", 0))
        waiting = asyncio.create_task(writer.written())
        await asyncio.sleep(0)
        writer.append("alice", decided("alice", 0))
        writer.forget("alice")
        await asyncio.sleep(0.05)
        assert not waiting.done()
        writer.start()
        await waiting
        assert numbers(settings.redis_url, "bob") == [0]

    play(settings.redis_url, scene, start=False)
