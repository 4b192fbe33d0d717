"""Redis as the system uses it, on a real server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from bridge.errors import RedisUnavailable
from bridge.settings import Settings
from bridge.streams import Cancellations, Feed, Store, WorkerRecord, decode, encode
from bridge.types import Event, EventKind, Work

pytestmark = pytest.mark.redis

NOWHERE = "redis://:secret@127.0.0.1:1/0"


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    made = Store(settings.redis_url)
    yield made
    made.close()


def wait_until(condition: Callable[[], bool], seconds: float = 2.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def event(kind: EventKind = "text", segment: int = 3, index: int = 0) -> Event:
    return Event(kind, "stt", "alice", segment, index=index, text="go")


def begin(store: Store, work: Work, busy: int = 1) -> tuple[bool, bytes | None]:
    return store.begin(work, event("started", work.segment), "w", busy)


def record(name: str, queue: str = "stt.cpu0", slots: int = 1) -> WorkerRecord:
    device = queue.partition(".")[2]
    return WorkerRecord(name, "stt", device, queue, slots, "pocketsphinx", languages=("en",))


def read(store: Store, session: str) -> list[Event]:
    async def once() -> list[Event]:
        feed = Feed(store.url, "test")
        try:
            return [found for _, _, found in await feed.read({session: "0-0"}) if found is not None]
        finally:
            await feed.close()

    return asyncio.run(once())


def test_an_event_survives_the_trip_with_its_audio() -> None:
    spoken = Event(
        "audio", "tts", "alice", 1, target="es", index=2, pcm=b"\x00\xff" * 50, rate=24_000, offset=7
    )

    assert decode({name.encode(): value for name, value in encode(spoken).items()}) == spoken


def test_an_event_of_a_newer_release_is_understood_without_its_new_fields() -> None:
    entry = {b"e": b'{"kind":"done","stage":"tts","session":"a","segment":1,"colour":"red"}'}

    assert decode(entry) == Event("done", "tts", "a", 1)


def test_emitted_events_are_read_in_order(store: Store) -> None:
    store.keep({"alice": 0}, 60)
    for index in range(5):
        store.emit(event(index=index))

    assert [found.index for found in read(store, "alice")] == [0, 1, 2, 3, 4]


def test_a_closed_session_is_not_brought_back_by_a_late_worker(store: Store) -> None:
    store.keep({"alice": 0}, 60)
    store.close_session("alice")
    alive, _ = begin(store, Work("alice", 0))
    store.emit(event())

    assert not alive
    assert store.client.keys("*alice*") == []


def test_work_gets_its_audio_by_the_claim_check(store: Store) -> None:
    store.keep({"alice": 0}, 60)
    key = store.put_audio("alice", 0, 0, b"\x01\x02", ttl=30)

    assert begin(store, Work("alice", 0, audio=key)) == (True, b"\x01\x02")
    assert 0 < store.client.pttl(key) <= 30_000


def test_audio_that_expired_is_missing_and_not_empty(store: Store) -> None:
    store.keep({"alice": 0}, 60)

    assert begin(store, Work("alice", 0, audio="audio:alice:0:0")) == (True, None)


def test_segments_before_the_cancelled_number_are_dead_and_later_ones_live(store: Store) -> None:
    store.keep({"alice": 0}, 60)
    store.cancel_before("alice", 4)

    assert [begin(store, Work("alice", segment))[0] for segment in (3, 4, 5)] == [False, True, True]


def test_a_worker_hears_of_a_cancelled_segment_while_it_works(store: Store) -> None:
    cancellations = Cancellations(store.url)
    try:
        wait_until(lambda: store.client.pubsub_numsub("cancel")[0][1] == 1)
        store.cancel_before("alice", 4)
        wait_until(lambda: cancellations.cancelled("alice", 3))
        assert not cancellations.cancelled("alice", 4)
        assert not cancellations.cancelled("bob", 3)
        store.close_session("alice")
        wait_until(lambda: cancellations.cancelled("alice", 99))
    finally:
        cancellations.close()


def test_a_session_is_made_anew_in_a_redis_that_lost_it(store: Store) -> None:
    assert store.keep({"alice": 0}, 60) == {"alice"}
    assert store.keep({"alice": 0}, 60) == set()
    store.client.flushall()
    assert store.keep({"alice": 7}, 60) == {"alice"}
    store.emit(event(segment=8))

    assert [begin(store, Work("alice", segment))[0] for segment in (6, 7)] == [False, True]
    assert any(found.segment == 8 and found.kind == "text" for found in read(store, "alice"))


def test_keeping_a_session_leaves_its_events_in_place(store: Store) -> None:
    store.keep({"alice": 0}, 60)
    store.emit(event(index=1))
    store.keep({"alice": 0}, 60)

    assert [found.index for found in read(store, "alice")] == [1]


def test_a_silent_worker_is_gone_and_forgotten(store: Store) -> None:
    store.register(record("a"), ttl_ms=5_000)
    store.register(record("b"), ttl_ms=1)
    wait_until(lambda: [worker.name for worker in store.workers()] == ["a"])

    assert store.client.smembers("workers") == {b"a"}


def test_a_worker_record_survives_the_trip(store: Store) -> None:
    told = WorkerRecord(
        "t", "translation", "gpu1", "translation.gpu1", 4, "nllb", pairs=(("en", "es"),), pid=7
    )
    store.register(told, ttl_ms=5_000)

    assert store.workers() == [told]


def test_load_counts_waiting_and_running_work_per_slot(store: Store) -> None:
    workers = [record("a", "stt.gpu0", slots=2), record("b", "stt.gpu1", slots=1), record("c", "stt.gpu1")]
    for worker in workers:
        store.register(worker, 5_000)
    store.idle("a", 1)
    store.client.lpush("stt.gpu0", "x")
    store.client.lpush("stt.gpu0:3", "x", "y")  # a list of a lower priority
    store.idle("b", 1)

    assert store.loads(workers) == {"stt.gpu0": 2.0, "stt.gpu1": 0.5}


def test_wake_ends_a_blocking_read_at_once(store: Store) -> None:
    async def woken() -> float:
        feed = Feed(store.url, "g")
        try:
            await feed.wake()
            await feed.read({})
            reading = asyncio.create_task(feed.read({}))
            await asyncio.sleep(0.05)
            start = time.monotonic()
            await feed.wake()
            await reading
            return time.monotonic() - start
        finally:
            await feed.close()

    assert asyncio.run(woken()) < 0.5


def test_a_redis_that_is_away_is_named_without_its_password(store: Store) -> None:
    away = Store(NOWHERE)
    start = time.monotonic()
    with pytest.raises(RedisUnavailable) as caught:
        away.ping()

    assert time.monotonic() - start < 2
    assert "127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value.__cause__, redis.RedisError)


def test_an_entry_that_cannot_be_read_stalls_nobody(store: Store) -> None:
    store.keep({"alice": 0}, 60)
    for broken in ({"e": "{"}, {"e": "[]"}, {"other": "x"}, {"e": '{"kind": "text"}'}):
        store.client.xadd("events:alice", broken)  # type: ignore[arg-type]
    store.emit(event(index=5))

    assert [found.index for found in read(store, "alice")] == [5]


def test_keeping_a_session_does_not_undo_a_later_cancel(store: Store) -> None:
    store.keep({"alice": 0}, 60)
    store.cancel_before("alice", 4)
    store.keep({"alice": 0}, 60)

    assert not begin(store, Work("alice", 3))[0]
