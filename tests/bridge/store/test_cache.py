"""Translations made before, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.store.cache import Cache
from tests.stack import RedisProcess

pytestmark = pytest.mark.redis


@pytest.fixture
def cache(redis_server: RedisProcess) -> Iterator[Cache]:
    made = Cache(redis_server.url)
    yield made
    made.close()


def test_what_is_remembered_is_recalled_and_counted(cache: Cache) -> None:
    assert cache.recall("a") is None
    cache.remember("a", b"\xff value", 60, 10)

    assert cache.recall("a") == b"\xff value"
    assert cache.recalled() == (1, 1)


def test_no_more_than_its_size_is_kept_and_the_oldest_go_first(cache: Cache) -> None:
    for number in range(5):
        cache.remember(str(number), b"x", 1_000, 3)
        cache.client.zadd("cached", {str(number): number - 100}, incr=True)

    kept: Any = cache.client.zrange("cached", 0, -1)
    assert kept == [b"2", b"3", b"4"]
    assert sorted(cache.client.keys("cache:*")) == [b"cache:2", b"cache:3", b"cache:4"]


def test_an_entry_is_as_old_as_the_clock_of_redis_says(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.remember("a", b"x", 100, 10)
    monkeypatch.setattr("time.time", lambda: 4e9)
    cache.remember("b", b"x", 100, 10)
    assert cache.client.zrange("cached", 0, -1) == [b"a", b"b"]

    cache.client.zincrby("cached", -101, "a")
    cache.remember("c", b"x", 100, 10)
    assert cache.client.zrange("cached", 0, -1) == [b"b", b"c"]
    assert 99_000 < cache.client.pttl("cache:c") <= 100_000
