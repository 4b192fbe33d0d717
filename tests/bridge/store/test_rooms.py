"""Rooms on a real server: who gets in, with what number, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
import redis

from bridge.errors import RoomEnded, RoomError, TooManyRooms, UnknownRoom, WrongSecret
from bridge.store import keys
from bridge.store.journal import BEGIN, Journal
from bridge.store.presence import Attendance
from bridge.store.rooms import ENDED_SECONDS, LISTENING, SPEAKING, Access, Rooms
from bridge.types import Attendant, Decision, Presence
from tests.stack import RedisProcess

pytestmark = pytest.mark.redis

T = TypeVar("T")


@pytest.fixture
def client(redis_server: RedisProcess) -> Iterator[redis.Redis]:
    made = keys.connect(redis_server.url, patient=False)
    yield made
    made.close()


def on(server: RedisProcess, call: Callable[[Rooms], Awaitable[T]]) -> T:
    """Runs `call` with a store of its own."""

    async def once() -> T:
        rooms = Rooms(server.url)
        try:
            return await call(rooms)
        finally:
            await rooms.close()

    return asyncio.run(once())


def test_each_secret_opens_its_room_and_that_for_listening_does_not_speak(redis_server: RedisProcess) -> None:
    async def call(rooms: Rooms) -> list[Access]:
        made = await rooms.create("Standup", 60, 10)
        assert made.speak != made.listen
        return [await rooms.open(made.room, secret) for secret in (made.speak, made.listen)]

    speaker, listener = on(redis_server, call)
    assert (speaker.name, speaker.may_speak) == ("Standup", True)
    assert (listener.name, listener.may_speak) == ("Standup", False)


def test_no_two_rooms_or_secrets_are_alike_and_none_is_short(redis_server: RedisProcess) -> None:
    async def call(rooms: Rooms) -> list[str]:
        made = [await rooms.create("", 60, 100) for _ in range(20)]
        return [word for each in made for word in (each.room, each.speak, each.listen)]

    words = on(redis_server, call)
    assert len(set(words)) == 60
    assert min(map(len, words)) >= 12
    assert all(len(word) >= 22 for at, word in enumerate(words) if at % 3)


def test_what_redis_holds_opens_no_room(redis_server: RedisProcess, client: redis.Redis) -> None:
    async def call(rooms: Rooms) -> None:
        made = await rooms.create("Standup", 60, 10)
        kept: Any = client.hgetall(keys.room(made.room))
        assert made.speak.encode() not in b" ".join(kept.values())
        assert made.listen.encode() not in b" ".join(kept.values())
        for value in kept.values():
            with pytest.raises(WrongSecret):
                await rooms.open(made.room, value.decode())

    on(redis_server, call)


@pytest.mark.parametrize("secret", ["", "x", "ü" * 256])
def test_a_wrong_secret_is_told_from_an_unknown_room(redis_server: RedisProcess, secret: str) -> None:
    async def call(rooms: Rooms) -> tuple[RoomError, RoomError]:
        made = await rooms.create("Standup", 60, 10)
        with pytest.raises(WrongSecret) as wrong:
            await rooms.open(made.room, secret)
        with pytest.raises(UnknownRoom) as unknown:
            await rooms.open("nowhere", made.speak)
        return wrong.value, unknown.value

    wrong, unknown = on(redis_server, call)
    assert (wrong.code, unknown.code) == ("wrong_secret", "unknown_room")
    assert wrong.hint and unknown.hint


def test_participants_are_numbered_and_those_who_may_speak_apart_from_the_others(
    redis_server: RedisProcess,
) -> None:
    async def call(rooms: Rooms) -> list[int]:
        made = await rooms.create("", 60, 10)
        return [await rooms.seat(made.room, speaks=speaks) for speaks in (True, False, True, False)]

    assert on(redis_server, call) == [1, 1024, 2, 1025]


def test_numbers_begin_again_after_the_last_without_that_of_a_speaker_who_is_there(
    redis_server: RedisProcess, client: redis.Redis
) -> None:
    async def call(rooms: Rooms) -> list[int]:
        made = await rooms.create("", 60, 10)
        client.hset(keys.room(made.room), mapping={"spoke": len(SPEAKING) - 1, "heard": len(LISTENING)})
        attendance = Attendance(rooms.url)
        speakers = (Attendant(1, "Ann", "en"), Attendant(2, "Bo", "es", away=True))
        await attendance.put(made.room, Presence("g", {}, speakers), 60)
        await attendance.close()
        numbers = [await rooms.seat(made.room, speaks=True) for _ in range(3)]
        return [*numbers, await rooms.seat(made.room, speaks=False)]

    assert on(redis_server, call) == [1023, 3, 4, 1024]


def test_nobody_is_numbered_in_a_room_that_is_not_there(redis_server: RedisProcess) -> None:
    async def call(rooms: Rooms) -> None:
        with pytest.raises(UnknownRoom):
            await rooms.seat("nowhere", speaks=True)

    on(redis_server, call)


def test_a_room_expires_after_its_last_use(redis_server: RedisProcess, client: redis.Redis) -> None:
    async def call(rooms: Rooms) -> list[Any]:
        made = await rooms.create("", 60, 10)
        first = client.ttl(keys.room(made.room))
        assert await rooms.touch(made.room, 600)
        return [first, client.ttl(keys.room(made.room)), await rooms.touch("nowhere", 600)]

    first, second, nowhere = on(redis_server, call)
    assert 55 < first <= 60
    assert 595 < second <= 600
    assert nowhere is False
    assert client.keys("room:nowhere") == []


def test_the_bound_counts_rooms_that_go_on_and_no_others(
    redis_server: RedisProcess, client: redis.Redis
) -> None:
    async def call(rooms: Rooms) -> TooManyRooms:
        ended = await rooms.create("", 60, 2)
        kept = await rooms.create("", 60, 2)
        with pytest.raises(TooManyRooms) as full:
            await rooms.create("", 60, 2)
        await rooms.end(ended.room)
        await rooms.create("", 60, 2)
        client.zadd(keys.ROOMS, {kept.room: 1})  # as if its time were over
        await rooms.create("", 60, 2)
        assert client.zcard(keys.ROOMS) == await rooms.count() == 2
        client.zadd(keys.ROOMS, {kept.room: 1})
        assert await rooms.count() == 2
        return full.value

    error = on(redis_server, call)
    assert (error.code, error.retryable) == ("too_many_rooms", True)
    assert "2" in error.message and "ROOMS_MAX" in error.hint


def test_an_ended_room_says_so_to_who_has_a_secret_of_it_and_is_forgotten_later(
    redis_server: RedisProcess, client: redis.Redis
) -> None:
    async def call(rooms: Rooms) -> list[Any]:
        made = await rooms.create("Standup", 86_400, 10)
        await rooms.end(made.room)
        for secret in (made.speak, made.listen):
            with pytest.raises(RoomEnded):
                await rooms.open(made.room, secret)
        with pytest.raises(WrongSecret):
            await rooms.open(made.room, "x")
        return [await rooms.touch(made.room, 86_400), client.ttl(keys.room(made.room))]

    kept, ttl = on(redis_server, call)
    assert kept is False
    assert ENDED_SECONDS - 5 < ttl <= ENDED_SECONDS


def test_the_end_is_told_once_in_the_journal_of_a_room_where_somebody_is(redis_server: RedisProcess) -> None:
    async def call(rooms: Rooms) -> list[Any]:
        made, empty = await rooms.create("", 60, 10), await rooms.create("", 60, 10)
        journal = Journal(rooms.url, "g")
        await journal.open([made.room], 60)
        for room in (made.room, made.room, empty.room, "nowhere"):
            await rooms.end(room)
        found = await journal.read({room: BEGIN for room in (made.room, empty.room, "nowhere")})
        await journal.close()
        return [(room == made.room, entry.item) for room, entry, _ in found]

    assert on(redis_server, call) == [(True, Decision("closed", ""))]
