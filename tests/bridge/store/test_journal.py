"""The journal of a room: what goes in comes out, in order, on a real server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, get_args

import pytest

from bridge.store import keys
from bridge.store.journal import BEGIN, Journal, decode, encode
from bridge.types import Attendant, Decision, DecisionKind, Entry, Event, EventKind, Presence, Target
from tests.stack import RedisProcess

pytestmark = pytest.mark.redis

T = TypeVar("T")


def on(server: RedisProcess, call: Callable[[Journal], Awaitable[T]], gateway: str = "g") -> T:
    """Runs `call` with a journal of its own."""

    async def once() -> T:
        journal = Journal(server.url, gateway)
        try:
            return await call(journal)
        finally:
            await journal.close()

    return asyncio.run(once())


def again(item: Event | Decision | Presence) -> Event | Decision | Presence | None:
    return decode({name.encode(): value for name, value in encode(item).items()})


@pytest.mark.parametrize("kind", get_args(EventKind))
def test_an_event_of_any_kind_survives_the_trip_with_all_its_fields(kind: EventKind) -> None:
    full = Event(
        kind, "tts", "alice", 3, 1, 2, "es", 4, 5.25, 6.5, "w", "señal", "en", 0.0, b"\x00\xff\n", 22_050, 7,
        True, "too_late", "It came late.", True, (2, 90, 10, 410), part=1, skip=9,
    )  # fmt: skip
    assert again(full) == full
    assert again(Event(kind, "stt", "alice", 0)) == Event(kind, "stt", "alice", 0)


@pytest.mark.parametrize("kind", get_args(DecisionKind))
def test_a_decision_of_any_kind_survives_the_trip_with_all_its_fields(kind: DecisionKind) -> None:
    full = Decision(
        kind, "alice", 9, 3, 1, 2, "stt", "es", 4, 100, 200, 190, 300.5, 99.5, "en",
        (Target("es", "low"), Target("ca")), 24_000, "no_worker", "Nobody is there.", True, skip=9,
    )  # fmt: skip
    assert again(full) == full
    assert again(Decision(kind, "alice")) == Decision(kind, "alice")


def test_who_is_there_survives_the_trip() -> None:
    full = Presence(
        "g", {"es": 3, "pt-BR": 1}, (Attendant(1, "Zoë", "en"), Attendant(2, "", "fr", away=True))
    )
    assert again(full) == full
    assert again(Presence("g", {})) == Presence("g", {})


def test_what_is_the_default_costs_no_bytes() -> None:
    assert encode(Event("done", "tts", "a", 1)) == {
        "e": b'{"kind":"done","stage":"tts","session":"a","segment":1}'
    }


@pytest.mark.parametrize(
    ("entry", "known"),
    [
        (
            {b"e": b'{"kind":"done","stage":"tts","session":"a","segment":1,"colour":"red"}', b"x": b""},
            Event("done", "tts", "a", 1),
        ),
        (
            {b"d": b'{"kind":"cut","session":"a","targets":[{"language":"es","mood":"glad"}],"colour":1}'},
            Decision("cut", "a", targets=(Target("es"),)),
        ),
        (
            {
                b"p": b'{"gateway":"g","listeners":{"es":1},"mood":1,'
                b'"speakers":[{"number":1,"name":"","language":"en","hand":true}]}'
            },
            Presence("g", {"es": 1}, (Attendant(1, "", "en"),)),
        ),
    ],
)
def test_an_item_of_a_newer_release_is_read_without_its_new_fields(
    entry: dict[bytes, bytes], known: Event | Decision | Presence
) -> None:
    assert decode(entry) == known


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {b"other": b"x"},
        {b"e": b"{"},
        {b"e": b"[]"},
        {b"e": b"\xff"},
        {b"e": b'{"kind":"text"}'},
        {b"e": b'{"kind":"sung","stage":"tts","session":"a","segment":1}'},
        {b"d": b'"cut"'},
        {b"d": b'{"kind":"cut"}'},
        {b"d": b'{"kind":"dreamt","session":"a"}'},
        {b"d": b'{"kind":"cut","session":"a","targets":[{}]}'},
        {b"d": b'{"kind":"cut","session":"a","targets":7}'},
        {b"p": b"{"},
        {b"p": b"[]"},
        {b"p": b'{"gateway":"g"}'},
        {b"p": b'{"gateway":"g","listeners":{},"speakers":[{}]}'},
        {b"p": b'{"gateway":"g","listeners":{"es":"many"},"speakers":[]}'},
    ],
)
def test_an_entry_that_cannot_be_read_is_nothing(entry: dict[bytes, bytes]) -> None:
    assert decode(entry) is None


def test_what_is_appended_is_read_in_order_with_ids_that_tell_when(redis_server: RedisProcess) -> None:
    items = [Decision("began", "alice", number, number) for number in range(5)]

    async def call(journal: Journal) -> list[tuple[str, Entry, int]]:
        await journal.open(["room", "other"], 60)
        await journal.append([("room", item) for item in items[:3]])
        await journal.append([("other", items[3]), ("room", items[4])])
        return await journal.read({"room": BEGIN})

    before = time.time()
    found = on(redis_server, call)
    assert [(room, entry.item) for room, entry, _ in found] == [("room", items[n]) for n in (0, 1, 2, 4)]
    assert all(before - 1 < entry.at < time.time() + 1 for _, entry, _ in found)


def test_reading_goes_on_after_an_id_and_tells_the_bytes(redis_server: RedisProcess) -> None:
    async def call(journal: Journal) -> list[tuple[str, Entry, int]]:
        await journal.open(["room"], 60)
        await journal.append([("room", Decision("began", "alice"))])
        ((_, first, _),) = await journal.read({"room": BEGIN})
        await journal._writer.xadd(
            keys.journal("room"),
            encode(Event("audio", "tts", "alice", 0, pcm=bytes(500))),  # type: ignore[arg-type]
        )
        return await journal.read({"room": first.id})

    ((_, entry, size),) = on(redis_server, call)
    assert isinstance(entry.item, Event)
    assert 500 < size < 700


def test_an_entry_that_cannot_be_read_stalls_nobody(redis_server: RedisProcess) -> None:
    async def call(journal: Journal) -> list[Any]:
        await journal.open(["room"], 60)
        await journal._writer.xadd(keys.journal("room"), {"e": "{"})
        await journal.append([("room", Decision("ended", "alice"))])
        return [entry.item for _, entry, _ in await journal.read({"room": BEGIN})]

    assert on(redis_server, call) == [None, Decision("ended", "alice")]


def test_a_journal_is_made_once_and_made_anew_in_a_redis_that_lost_it(redis_server: RedisProcess) -> None:
    async def call(journal: Journal) -> list[set[str]]:
        made = [await journal.open(["a", "b"], 60), await journal.open(["a", "b", "c"], 60)]
        await journal._writer.flushall()
        return [*made, await journal.open(["b"], 60), await journal.open([], 60)]

    assert on(redis_server, call) == [{"a", "b"}, {"c"}, {"b"}, set()]


def test_opening_again_leaves_what_is_written_and_prolongs_it(redis_server: RedisProcess) -> None:
    async def call(journal: Journal) -> tuple[int, int, int]:
        await journal.open(["room"], 5)
        empty = await journal._writer.xlen(keys.journal("room"))
        await journal.append([("room", Decision("began", "alice"))])
        await journal.open(["room"], 60)
        length = await journal._writer.xlen(keys.journal("room"))
        return empty, length, await journal._writer.ttl(keys.journal("room"))

    empty, length, ttl = on(redis_server, call)
    assert (empty, length) == (0, 1)
    assert 55 <= ttl <= 60


def test_many_gateways_that_open_a_room_at_once_lose_nothing_of_each_other(
    redis_server: RedisProcess,
) -> None:
    async def call(_: Journal) -> int:
        gateways = [Journal(redis_server.url, f"g{number}") for number in range(8)]

        async def enter(journal: Journal, number: int) -> None:
            await journal.open(["room"], 60)
            await journal.append([("room", Decision("joined", f"s{number}"))])

        await asyncio.gather(*(enter(each, number) for number, each in enumerate(gateways)))
        count = await gateways[0]._writer.xlen(keys.journal("room"))
        for each in gateways:
            await each.close()
        return int(count)

    assert [on(redis_server, call) for _ in range(3)] == [8, 16, 24]


def test_a_room_that_is_over_is_not_brought_back_by_a_late_decision(redis_server: RedisProcess) -> None:
    async def call(journal: Journal) -> bool:
        await journal.open(["room"], 60)
        await journal.drop("room")
        await journal.append([("room", Decision("ended", "alice"))])
        return bool(await journal._writer.exists(keys.journal("room")))

    assert on(redis_server, call) is False


def test_trimming_forgets_what_is_before_an_id(redis_server: RedisProcess) -> None:
    async def call(journal: Journal) -> list[Any]:
        await journal.open(["room"], 60)
        await journal.append([("room", Decision("began", "alice", number)) for number in range(4)])
        found = await journal.read({"room": BEGIN})
        await journal.trim({"room": found[2][1].id})
        await journal.trim({})
        return [entry.item for _, entry, _ in await journal.read({"room": BEGIN})]

    assert on(redis_server, call) == [Decision("began", "alice", number) for number in (2, 3)]


def test_wake_ends_a_blocking_read_at_once(redis_server: RedisProcess) -> None:
    async def call(journal: Journal) -> float:
        await journal.wake()
        await journal.read({})
        reading = asyncio.create_task(journal.read({}))
        await asyncio.sleep(0.05)
        start = time.monotonic()
        await journal.wake()
        assert await reading == []
        return time.monotonic() - start

    assert on(redis_server, call) < 0.5
