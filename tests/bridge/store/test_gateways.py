"""Where the metrics of gateways are is known as long as they say so."""

from __future__ import annotations

import asyncio

import pytest
import redis

from bridge.store import keys
from bridge.store.gateways import FRESH_SECONDS, Gateways
from tests.stack import RedisProcess

pytestmark = pytest.mark.redis


def test_who_did_not_say_so_for_a_while_is_forgotten(redis_server: RedisProcess) -> None:
    client = redis.Redis.from_url(redis_server.url)
    now = int(client.time()[0])

    async def run() -> list[str]:
        gateways = Gateways(redis_server.url)
        await gateways.tell("here", "here:8000")
        client.hset(keys.GATEWAYS, "dead", f"{now - FRESH_SECONDS - 2}@dead:8000")
        client.hset(keys.GATEWAYS, "slow", f"{now - FRESH_SECONDS + 2}@[fe80::1]:8000")
        client.hset(keys.GATEWAYS, "odd", "of another release")
        found = await gateways.addresses()
        await gateways.close()
        return sorted(found)

    assert asyncio.run(run()) == ["[fe80::1]:8000", "here:8000"]
    assert sorted(client.hkeys(keys.GATEWAYS)) == [b"here", b"slow"]
    assert 0 < client.ttl(keys.GATEWAYS) <= FRESH_SECONDS
    client.close()
