"""What of a server's address may be read by anyone, and what others call it."""

from __future__ import annotations

import socket

import pytest

from bridge.address import exported, masked
from bridge.errors import RedisUnavailable
from bridge.store.registry import Registry


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:geheim@host:6379/0", "redis://:***@host:6379/0"),
        ("rediss://me:geheim@host:1/0?a=b", "rediss://me:***@host:1/0?a=b"),
        ("redis://:ge@heim@host/0", "redis://:***@host/0"),
        ("redis://:ge:heim@host/0", "redis://:***@host/0"),
        ("redis://:ge/heim@host:6379/0", "redis://:***@host:6379/0"),
        ("redis://:ge?heim@host:6379/0", "redis://:***@host:6379/0"),
        ("redis://:ge#heim@host:6379/0", "redis://:***@host:6379/0"),
        ("redis://host:6379/0?password=geheim", "redis://host:6379/0?password=***"),
        ("redis://host/0?db=1&password=ge@heim&timeout=3", "redis://host/0?db=1&password=***&timeout=3"),
        ("redis://host/0?p%61ssword=geheim", "redis://host/0?p%61ssword=***"),
        ("unix://me:geheim@/run/redis.sock?db=0", "unix://me:***@/run/redis.sock?db=0"),
        ("unix:///run/redis.sock?password=geheim", "unix:///run/redis.sock?password=***"),
        ("sentinel://:geheim@one:1;sentinel://:heim@two:2", "sentinel://:***@one:1;sentinel://:***@two:2"),
    ],
)
def test_password_is_hidden_wherever_it_stands_and_whatever_is_in_it(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    "text",
    [
        "redis://host:6379/0",
        "redis://me@host/0",
        "unix:///run/redis.sock?db=0",
        "sentinel://one:26379;sentinel://two:26379",
        "https://talk.example.org",
        "a=b;c",
        "plain text",
        "",
    ],
)
def test_what_holds_no_password_is_shown_as_it_is(text: str) -> None:
    assert masked(text) == text


def test_store_names_its_redis_without_the_password() -> None:
    registry = Registry("redis://:ge@heim@127.0.0.1:1/0")
    with pytest.raises(RedisUnavailable, match=r"Redis at redis://:\*\*\*@127\.0\.0\.1:1/0 ") as caught:
        registry.workers()
    registry.close()
    assert "heim" not in str(caught.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_who_listens_everywhere_is_called_by_the_name_of_the_machine(host: str) -> None:
    assert exported(host, 9100) == f"{socket.gethostname()}:9100"


def test_who_listens_somewhere_is_called_by_that() -> None:
    assert exported("127.0.0.1", 1) == "127.0.0.1:1"
    assert exported("fe80::1", 1) == "[fe80::1]:1"
