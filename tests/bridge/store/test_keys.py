"""How errors of Redis become ours, and what of its URL may be shown."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import redis

from bridge.errors import RedisUnavailable, SettingsError
from bridge.store import keys
from bridge.store.registry import Registry, WorkerRecord
from tests.stack import RedisProcess

pytestmark = pytest.mark.redis

NOWHERE = "redis://:secret@127.0.0.1:1/0"


@pytest.mark.parametrize(
    "url", ["redis://:sec?ret@host:7000/0", "redis://:sec/ret@host:7000/0", "http://secret", ""]
)
def test_a_url_that_is_none_is_told_without_showing_it(url: str) -> None:
    for connect in (lambda: keys.connect(url, patient=False), lambda: keys.connect_async(url)):
        with pytest.raises(SettingsError, match="REDIS_URL is no URL") as caught:
            connect()
        assert "sec" not in str(caught.value)
        assert "%40" in caught.value.hint
        assert caught.value.__cause__ is None


def test_a_redis_that_is_away_is_named_at_once_and_without_its_password() -> None:
    away = Registry(NOWHERE)
    start = time.monotonic()
    with pytest.raises(RedisUnavailable, match=r"127\.0\.0\.1:1/0 does not answer") as caught:
        away.now()

    assert time.monotonic() - start < 2
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value.__cause__, redis.RedisError)


def test_a_redis_that_is_full_is_told_as_full(redis_server: RedisProcess) -> None:
    registry = Registry(redis_server.url)
    registry.client.config_set("maxmemory", "1")
    try:
        with pytest.raises(RedisUnavailable, match="is out of memory") as caught:
            registry.register(WorkerRecord("a", "stt", "cpu0", "stt.cpu0", 1, "x"), 1_000)
        assert "maxmemory" in caught.value.hint
        with (
            pytest.raises(RedisUnavailable, match="is out of memory"),
            keys.reported(redis_server.url),
        ):
            registry.client.eval("return redis.call('SET', 'a', 'b')", 0)
    finally:
        registry.client.config_set("maxmemory", "0")
        registry.close()


def test_a_redis_that_refuses_says_why(redis_server: RedisProcess) -> None:
    registry = Registry(redis_server.url)
    registry.client.set(keys.WORKERS, "not a set")
    with pytest.raises(RedisUnavailable, match="refuses: WRONGTYPE"):
        registry.workers()
    registry.close()


def test_a_wrong_password_is_told_and_not_shown(tmp_path: Path) -> None:
    server = RedisProcess(tmp_path)
    server.start()
    with redis.Redis.from_url(server.url) as client:
        client.config_set("requirepass", "right")
    stranger = Registry(f"redis://:wrong@127.0.0.1:{server.port}/0")
    try:
        with pytest.raises(RedisUnavailable, match="refuses") as caught:
            stranger.now()
        assert "wrong" not in str(caught.value)
        assert "password" in caught.value.hint
    finally:
        stranger.close()
        server.kill()
