"""How many speak at all gateways, as they tell each other on a real server."""

from __future__ import annotations

import asyncio

import pytest

from bridge.store import keys
from bridge.store.speakers import FRESH_SECONDS, Speakers
from tests.stack import RedisProcess

pytestmark = pytest.mark.redis


def count(server: RedisProcess, gateway: str, here: int) -> int:
    async def once() -> int:
        speakers = Speakers(server.url)
        try:
            return await speakers.count(gateway, here)
        finally:
            await speakers.close()

    return asyncio.run(once())


def test_each_gateway_learns_how_many_speak_at_the_others(redis_server: RedisProcess) -> None:
    assert count(redis_server, "one", 3) == 0
    assert count(redis_server, "two", 4) == 3
    assert count(redis_server, "one", 5) == 4
    assert count(redis_server, "two", 0) == 5


def test_what_a_gateway_said_that_is_gone_counts_no_more(redis_server: RedisProcess) -> None:
    count(redis_server, "one", 3)
    client = keys.connect(redis_server.url, patient=False)
    seconds, _ = client.time()
    client.hset(keys.SPEAKERS, "one", f"3@{int(seconds) - FRESH_SECONDS - 1}")
    client.hset(keys.SPEAKERS, "broken", "what")
    assert count(redis_server, "two", 1) == 0
    assert client.hkeys(keys.SPEAKERS) == [b"two"]
    client.close()
