"""Who is in a room, as several gateways tell each other on a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
import redis

from bridge.store import keys
from bridge.store.journal import BEGIN, Journal
from bridge.store.presence import Attendance
from bridge.types import Attendant, Entry, Presence
from tests.stack import RedisProcess

pytestmark = pytest.mark.redis

T = TypeVar("T")
SPEAKERS = (Attendant(1, "Ann", "en"), Attendant(7, "", "fr", away=True))
ONE = Presence("one", {"es": 3, "de": 1}, SPEAKERS, ("es",))
TWO = Presence("two", {}, (Attendant(2, "Zoë", "en"),))


@pytest.fixture
def client(redis_server: RedisProcess) -> Iterator[redis.Redis]:
    made = keys.connect(redis_server.url, patient=False)
    yield made
    made.close()


def on(server: RedisProcess, call: Callable[[Attendance], Awaitable[T]]) -> T:
    """Runs `call` with a store of its own."""

    async def once() -> T:
        attendance = Attendance(server.url)
        try:
            return await call(attendance)
        finally:
            await attendance.close()

    return asyncio.run(once())


def age(client: redis.Redis, gateway: str, seconds: float) -> None:
    """Makes the record of a gateway so much older."""
    raw: Any = client.hget(keys.present("room"), gateway)
    values = json.loads(raw)
    client.hset(
        keys.present("room"),
        gateway,
        json.dumps({"at": values.pop("at") - seconds, **values}, separators=(",", ":")),
    )


def test_the_records_of_all_gateways_are_found_as_they_were_left(redis_server: RedisProcess) -> None:
    async def call(attendance: Attendance) -> list[dict[str, Presence]]:
        await attendance.put("room", Presence("one", {"es": 1}), 60)
        await attendance.put("room", ONE, 60)
        await attendance.put("room", TWO, 60)
        await attendance.put("other", TWO, 60)
        both = await attendance.get("room")
        await attendance.remove("room", "one")
        return [both, await attendance.get("room"), await attendance.get("nowhere")]

    assert on(redis_server, call) == [{"one": ONE, "two": TWO}, {"two": TWO}, {}]


def test_a_record_is_stamped_by_the_clock_of_redis(redis_server: RedisProcess, client: redis.Redis) -> None:
    seconds, micros = client.time()
    on(redis_server, lambda attendance: attendance.put("room", ONE, 60))
    raw: Any = client.hget(keys.present("room"), "one")

    since = json.loads(raw)["at"] - (seconds + micros / 1e6)
    assert 0 <= since < 1


def test_what_a_dead_gateway_said_is_not_believed(redis_server: RedisProcess, client: redis.Redis) -> None:
    async def call(attendance: Attendance) -> list[set[str]]:
        await attendance.put("room", ONE, 60)
        await attendance.put("room", TWO, 60)
        age(client, "one", 26)
        return [set(await attendance.get("room")), set(await attendance.get("room", within=30))]

    assert on(redis_server, call) == [{"two"}, {"one", "two"}]


def test_what_a_dead_gateway_left_goes_with_the_next_record_and_the_last_ones_by_themselves(
    redis_server: RedisProcess, client: redis.Redis
) -> None:
    async def call(attendance: Attendance) -> None:
        await attendance.put("room", ONE, 60)
        age(client, "one", 61)
        client.hset(keys.present("room"), "broken", "{")
        await attendance.put("room", TWO, 60)

    on(redis_server, call)
    assert client.hkeys(keys.present("room")) == [b"two"]
    left: Any = client.ttl(keys.present("room"))
    assert 55 < left <= 60


def test_a_change_that_is_to_be_announced_stands_in_the_journal_too(redis_server: RedisProcess) -> None:
    async def call(attendance: Attendance) -> list[Any]:
        journal = Journal(attendance.url, "g")
        await journal.open(["room"], 60)
        await attendance.put("room", ONE, 60, announce=True)
        await attendance.put("room", ONE, 60)
        await attendance.remove("room", "one", announce=True)
        await attendance.put("empty", ONE, 60, announce=True)
        found = await journal.read({"room": BEGIN, "empty": BEGIN})
        await journal.close()
        return [(room, entry.item) for room, entry, _ in found if isinstance(entry, Entry)]

    assert on(redis_server, call) == [("room", ONE), ("room", Presence("one", {}))]


@pytest.mark.parametrize(
    "raw", ["{", "[]", '{"at":1}', '{"at":9e9,"gateway":"x","listeners":7,"speakers":[]}']
)
def test_a_record_that_cannot_be_read_hides_no_other(
    redis_server: RedisProcess, client: redis.Redis, raw: str
) -> None:
    async def call(attendance: Attendance) -> dict[str, Presence]:
        await attendance.put("room", ONE, 60)
        client.hset(keys.present("room"), "x", raw)
        return await attendance.get("room")

    assert on(redis_server, call) == {"one": ONE}
