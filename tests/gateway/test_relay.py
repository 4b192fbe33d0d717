"""Events of many sessions through one read, on a real Redis that dies and comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.errors import RedisUnavailable
from bridge.settings import Settings
from bridge.streams import BLOCK_MS, Feed, Store
from bridge.types import Event
from gateway import relay as module
from gateway.relay import SESSION_TTL_SECONDS, Relay
from tests.stack import RedisProcess

pytestmark = pytest.mark.redis


class Ear:
    """A listener that keeps what it hears; `deaf` ones fail at it."""

    def __init__(self, name: str, first: int = 0, *, deaf: bool = False) -> None:
        self.id = name
        self.first = first
        self.heard: list[Event] = []
        self.ticks: list[float] = []
        self.losses = 0
        self._deaf = deaf

    @property
    def indexes(self) -> list[int]:
        return [event.index for event in self.heard]

    def deliver(self, event: Event) -> None:
        self.heard.append(event)
        if self._deaf:
            raise LookupError("it cannot hear")

    def lost(self, now: float) -> None:
        self.losses += 1
        if self._deaf:
            raise LookupError("it cannot lose")

    def tick(self, now: float) -> None:
        self.ticks.append(now)
        if self._deaf:
            raise LookupError("it cannot count")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    made = Store(settings.redis_url)
    yield made
    made.close()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """A Redis that this test may kill."""
    server = RedisProcess(tmp_path)
    server.start()
    yield server
    server.kill()


@asynccontextmanager
async def relaying(store: Store) -> AsyncIterator[Relay]:
    running = Relay(store, Feed(store.url, "test"))
    running.start()
    try:
        yield running
    finally:
        await running.stop()


async def until(condition: Callable[[], bool], seconds: float = 5) -> float:
    """Waits for `condition`; how long that took, in seconds."""
    since = time.monotonic()
    while not condition():
        assert time.monotonic() - since < seconds
        await asyncio.sleep(0.005)
    return time.monotonic() - since


def play(store: Store, scene: Callable[[Relay], Awaitable[None]]) -> None:
    async def run() -> None:
        async with relaying(store) as running:
            await scene(running)

    asyncio.run(run())


def event(session: str, index: int) -> Event:
    return Event("text", "stt", session, 0, index=index, text="go")


def test_events_of_many_sessions_reach_their_own_listener_once_and_in_order(store: Store) -> None:
    ears = [Ear(f"session{number}") for number in range(20)]

    async def scene(relay: Relay) -> None:
        for ear in ears:
            await relay.add(ear)
        for index in range(50):
            for ear in ears:
                store.emit(event(ear.id, index))
        await until(lambda: all(len(ear.heard) >= 50 for ear in ears))
        await asyncio.sleep(0.1)

    play(store, scene)

    for ear in ears:
        assert ear.indexes == list(range(50))
        assert {heard.session for heard in ear.heard} == {ear.id}


def test_a_session_that_comes_during_a_blocking_read_is_heard_without_delay(store: Store) -> None:
    ear, later = Ear("first"), Ear("later")

    async def scene(relay: Relay) -> None:
        await relay.add(ear)
        await asyncio.sleep(0.3)
        await relay.add(later)
        store.emit(event("later", 1))
        assert await until(lambda: later.indexes == [1]) < BLOCK_MS / 1000 / 4

    play(store, scene)


def test_a_session_that_says_nothing_costs_no_reads(store: Store) -> None:
    def reads() -> int:
        stats = store.client.info("commandstats")
        assert isinstance(stats, dict)
        return int(stats.get("cmdstat_xread", {"calls": 0})["calls"])

    async def scene(relay: Relay) -> None:
        await relay.add(Ear("alice"))
        await asyncio.sleep(0.1)
        before = reads()
        await asyncio.sleep(0.5)
        assert reads() - before <= 2

    play(store, scene)


def test_what_was_said_before_the_first_read_is_heard(store: Store) -> None:
    async def scene(relay: Relay) -> None:
        ear = Ear("alice")
        await relay.add(ear)
        store.emit(event("alice", 0))
        await until(lambda: ear.indexes == [0])

    play(store, scene)


def test_a_removed_session_hears_nothing_and_leaves_nothing(store: Store) -> None:
    gone, here = Ear("gone"), Ear("here")

    async def scene(relay: Relay) -> None:
        await relay.add(gone)
        await relay.add(here)
        await relay.remove(gone)
        assert relay.sessions == [here]
        store.emit(event("gone", 0))
        store.emit(event("here", 0))
        await until(lambda: here.indexes == [0])

    play(store, scene)

    assert gone.heard == []
    assert not store.client.exists("live:gone", "events:gone")


def test_a_session_is_kept_alive_with_its_first_live_segment(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEEP_SECONDS", 0.05)

    def first() -> bytes | None:
        found = store.client.hget("live:alice", "from")
        assert found is None or isinstance(found, bytes)
        return found

    async def scene(relay: Relay) -> None:
        ear = Ear("alice", first=3)
        await relay.add(ear)
        assert first() == b"3"
        store.client.expire("events:alice", 1)
        store.client.delete("live:alice")
        ear.first = 5
        await until(lambda: first() == b"5")
        assert store.client.ttl("live:alice") == store.client.ttl("events:alice") == SESSION_TTL_SECONDS

    play(store, scene)


def test_every_session_hears_the_clock(store: Store) -> None:
    ears = [Ear("alice"), Ear("bob")]

    async def scene(relay: Relay) -> None:
        for ear in ears:
            await relay.add(ear)
        await until(lambda: all(len(ear.ticks) >= 3 for ear in ears))

    play(store, scene)

    assert all(0 <= time.monotonic() - tick < 30 for ear in ears for tick in ear.ticks)


def test_a_listener_that_fails_does_not_stop_the_others(store: Store) -> None:
    deaf, ear = Ear("deaf", deaf=True), Ear("ear")

    async def scene(relay: Relay) -> None:
        await relay.add(deaf)
        await relay.add(ear)
        since = time.monotonic()
        for index in range(20):
            store.emit(event("deaf", index))
            store.emit(event("ear", index))
        await until(lambda: len(ear.heard) >= 20 and len(deaf.heard) >= 20 and len(ear.ticks) >= 3)
        assert time.monotonic() - since < 3.5  # twenty pauses after an outage would be 4 s

    play(store, scene)

    assert ear.indexes == deaf.indexes == list(range(20))


def test_a_session_that_cannot_be_opened_is_not_kept(own_redis: RedisProcess) -> None:
    store = Store(own_redis.url)

    async def scene(relay: Relay) -> None:
        own_redis.kill()
        with pytest.raises(RedisUnavailable):
            await relay.add(Ear("alice"))
        assert relay.sessions == []

    play(store, scene)
    store.close()


def test_a_session_whose_opening_breaks_off_halfway_is_not_kept(store: Store) -> None:
    feed = Feed("redis://127.0.0.1:1/0", "test")

    async def run() -> None:
        relay = Relay(store, feed)
        with pytest.raises(RedisUnavailable):
            await relay.add(Ear("alice"))
        assert relay.sessions == []
        await feed.close()

    asyncio.run(run())


def test_after_an_empty_redis_comes_back_sessions_are_made_anew_and_heard(own_redis: RedisProcess) -> None:
    store = Store(own_redis.url)
    deaf = Ear("deaf", deaf=True)
    ears = [Ear("alice", first=2), Ear("bob")]

    async def scene(relay: Relay) -> None:
        for ear in (deaf, *ears):
            await relay.add(ear)
        store.emit(event("alice", 0))
        await until(lambda: ears[0].indexes == [0])
        own_redis.kill()
        await asyncio.sleep(0.5)
        own_redis.start()
        remade = await until(lambda: bool(store.client.exists("events:alice")), 15)
        assert remade < 1
        assert store.client.hget("live:alice", "from") == b"2"
        for ear in ears:
            store.emit(event(ear.id, 1))
        await until(lambda: ears[1].indexes == [1] and ears[0].indexes == [0, 1])
        assert [ear.losses for ear in (deaf, *ears)] == [1, 1, 1]

    play(store, scene)
    store.close()


def test_a_session_removed_while_redis_is_away_is_forgotten_here(own_redis: RedisProcess) -> None:
    store = Store(own_redis.url)

    async def scene(relay: Relay) -> None:
        ear = Ear("alice")
        await relay.add(ear)
        own_redis.kill()
        await relay.remove(ear)
        assert relay.sessions == []
        own_redis.start()
        await asyncio.sleep(1)
        assert not store.client.exists("live:alice")

    play(store, scene)
    store.close()


def test_a_relay_stops_though_a_cancellation_is_swallowed(store: Store) -> None:
    class Deafening(Feed):
        """As redis-py does on Python 3.11 where a cancellation comes together with a result."""

        swallowed = False

        async def read(self, after: object) -> list[tuple[str, str, Event | None]]:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if self.swallowed:
                    raise
                self.swallowed = True
            return []

    async def run() -> None:
        relay = Relay(store, Deafening(store.url, "test"))
        relay.start()
        await asyncio.sleep(0.05)
        async with asyncio.timeout(2):
            await relay.stop()

    asyncio.run(run())


def test_an_entry_that_cannot_be_read_does_not_end_the_relay(store: Store) -> None:
    async def scene(relay: Relay) -> None:
        ear = Ear("alice")
        await relay.add(ear)
        store.client.xadd("events:alice", {"e": "no JSON"})
        await asyncio.sleep(0.1)
        store.client.xtrim("events:alice", maxlen=0, approximate=False)
        store.emit(event("alice", 1))
        await until(lambda: ear.indexes == [1])

    play(store, scene)


def test_an_event_that_comes_together_with_the_end_of_its_session_is_dropped(store: Store) -> None:
    class Late(Feed):
        """Brings an event of a session that was removed while it was on its way."""

        async def read(self, after: object) -> list[tuple[str, str, Event | None]]:
            await asyncio.sleep(0.01)
            return [("gone", "1-0", event("gone", 0)), ("here", "1-0", event("here", 0))]

    async def run() -> None:
        relay, here = Relay(store, Late(store.url, "test")), Ear("here")
        await relay.add(here)
        relay.start()
        await until(lambda: len(here.heard) > 1)
        await relay.stop()
        assert {heard.session for heard in here.heard} == {"here"}

    asyncio.run(run())
