"""Journals of many rooms through one read, on a real Redis that dies and comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from bridge.errors import RedisUnavailable
from bridge.settings import Settings
from bridge.store.journal import BLOCK_MS, Journal
from bridge.store.sessions import Sessions
from bridge.store.work import Desk
from bridge.types import Decision, Entry, Event
from gateway.core.inputs import Input
from gateway.runtime import relay as module
from gateway.runtime.relay import SESSION_TTL_SECONDS, Relay
from tests.stack import RedisProcess

pytestmark = pytest.mark.redis


class Ear:
    """A session that keeps what it is given; `deaf` ones fail at it."""

    def __init__(self, name: str, first: int = 0, *, deaf: bool = False) -> None:
        self.id = name
        self.first = first
        self.entries: list[Entry] = []
        self.losses = 0
        self._deaf = deaf

    @property
    def heard(self) -> list[Event]:
        return [entry.item for entry in self.entries if isinstance(entry.item, Event)]

    @property
    def indexes(self) -> list[int]:
        return [event.index for event in self.heard]

    def deliver(self, entry: Entry) -> None:
        self.entries.append(entry)
        if self._deaf:
            raise LookupError("it cannot hear")

    def handle(self, given: Input) -> int | None:
        return None

    def lost(self) -> None:
        self.losses += 1


class Redis:
    """The workers' side of a Redis, and a look into it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = redis.Redis.from_url(url)
        self._desk = Desk(url)
        self.outages = 0

    def emit(self, room: str, index: int, pcm: bytes = b"") -> None:
        kind = "audio" if pcm else "text"
        self._desk.emit(room, Event(kind, "stt", room, 0, index=index, text="go", pcm=pcm))  # type: ignore[arg-type]

    def ids(self, room: str) -> list[str]:
        entries: Any = self.client.xrange(f"journal:{room}")
        return [entry.decode() for entry, _ in entries]

    def outage(self) -> None:
        self.outages += 1

    def close(self) -> None:
        self._desk.close()
        self.client.close()


@pytest.fixture
def store(settings: Settings) -> Iterator[Redis]:
    made = Redis(settings.redis_url)
    yield made
    made.close()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """A Redis that this test may kill."""
    server = RedisProcess(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done every ten seconds is done twenty times a second."""
    monkeypatch.setattr(module, "KEEP_SECONDS", 0.05)


def made(store: Redis, journal: Journal | None = None, **bounds: Any) -> Relay:
    now = bounds.pop("now", time.time)
    bounds = {"seconds": 60, "max_bytes": 16_000_000} | bounds
    journal = journal or Journal(store.url, "test")
    return Relay(journal, Sessions(store.url), now, store.outage, **bounds)


@asynccontextmanager
async def relaying(store: Redis, **bounds: Any) -> AsyncIterator[Relay]:
    running = made(store, **bounds)
    running.start()
    try:
        yield running
    finally:
        await running.stop()
        await closed(running)


async def closed(relay: Relay) -> None:
    await relay._journal.close()
    await relay._sessions.close()


async def until(condition: Callable[[], bool], seconds: float = 10) -> float:
    """Waits for `condition`; how long that took, in seconds."""
    since = time.monotonic()
    while not condition():
        assert time.monotonic() - since < seconds
        await asyncio.sleep(0.005)
    return time.monotonic() - since


def play(store: Redis, scene: Callable[[Relay], Awaitable[None]], **bounds: Any) -> None:
    async def run() -> None:
        async with relaying(store, **bounds) as running:
            await scene(running)

    asyncio.run(run())


def test_entries_of_many_rooms_reach_their_own_session_once_and_in_order(store: Redis) -> None:
    ears = [Ear(f"session{number}") for number in range(20)]

    async def scene(relay: Relay) -> None:
        for ear in ears:
            await relay.add(ear)
        for index in range(50):
            for ear in ears:
                store.emit(ear.id, index)
        await until(lambda: all(len(ear.heard) >= 50 for ear in ears))
        await asyncio.sleep(0.1)

    play(store, scene)

    for ear in ears:
        assert ear.indexes == list(range(50))
        assert {heard.session for heard in ear.heard} == {ear.id}
        assert [entry.id for entry in ear.entries] == store.ids(ear.id) or not store.ids(ear.id)


def test_many_rooms_are_gathered_and_none_is_late(store: Redis) -> None:
    ears = [Ear(f"session{number}") for number in range(module.MANY + 1)]

    async def scene(relay: Relay) -> None:
        for ear in ears:
            await relay.add(ear)
        for ear in ears:
            store.emit(ear.id, 7)
        await until(lambda: all(ear.indexes == [7] for ear in ears))

    play(store, scene)


def test_decisions_and_events_come_in_the_order_of_the_journal(store: Redis) -> None:
    ear = Ear("alice")

    async def scene(relay: Relay) -> None:
        await relay.add(ear)
        journal = relay._journal
        for number in range(3):
            await journal.append([("alice", Decision("began", "alice", number=number, segment=number))])
            store.emit("alice", number)
        await until(lambda: len(ear.entries) == 6)

    play(store, scene)

    assert [type(entry.item) for entry in ear.entries] == [Decision, Event] * 3


def test_a_session_that_comes_during_a_blocking_read_is_heard_without_delay(store: Redis) -> None:
    ear, later = Ear("first"), Ear("later")

    async def scene(relay: Relay) -> None:
        await relay.add(ear)
        await asyncio.sleep(0.3)
        await relay.add(later)
        store.emit("later", 1)
        assert await until(lambda: later.indexes == [1]) < BLOCK_MS / 1000 / 2

    play(store, scene)


def test_a_session_that_says_nothing_costs_no_reads(store: Redis) -> None:
    def reads() -> int:
        stats: Any = store.client.info("commandstats")
        return int(stats.get("cmdstat_xread", {"calls": 0})["calls"])

    async def scene(relay: Relay) -> None:
        await relay.add(Ear("alice"))
        await asyncio.sleep(0.1)
        before = reads()
        await asyncio.sleep(0.5)
        assert reads() - before <= 2

    play(store, scene)


def test_what_was_said_before_the_first_read_is_heard(store: Redis) -> None:
    async def scene(relay: Relay) -> None:
        ear = Ear("alice")
        await relay.add(ear)
        store.emit("alice", 0)
        await until(lambda: ear.indexes == [0])

    play(store, scene)


def test_a_removed_session_hears_nothing_and_leaves_nothing(store: Redis) -> None:
    gone, here = Ear("gone"), Ear("here")

    async def scene(relay: Relay) -> None:
        await relay.add(gone)
        await relay.add(here)
        await relay.remove(gone)
        assert relay.readers == [here]
        store.emit("gone", 0)
        store.emit("here", 0)
        await until(lambda: here.indexes == [0])

    play(store, scene)

    assert gone.entries == []
    assert not store.client.exists("live:gone", "journal:gone")


@pytest.mark.usefixtures("soon")
def test_a_session_is_kept_alive_with_its_first_live_segment(store: Redis) -> None:
    def first() -> bytes | None:
        found: Any = store.client.hget("live:alice", "from")
        assert found is None or isinstance(found, bytes)
        return found

    async def scene(relay: Relay) -> None:
        ear = Ear("alice", first=3)
        await relay.add(ear)
        assert first() == b"3"
        store.client.expire("journal:alice", 1)
        store.client.delete("live:alice")
        ear.first = 5
        await until(lambda: first() == b"5")
        await until(lambda: store.client.ttl("journal:alice") == SESSION_TTL_SECONDS)
        assert store.client.ttl("live:alice") == SESSION_TTL_SECONDS

    play(store, scene)


def test_a_journal_lives_as_long_as_it_may_be_asked_for(store: Redis) -> None:
    async def run() -> None:
        relay = made(store, seconds=600)
        await relay.add(Ear("alice"))
        assert store.client.ttl("journal:alice") == 600
        await closed(relay)

    asyncio.run(run())


@pytest.mark.usefixtures("soon")
def test_entries_go_when_they_are_older_than_the_journal_may_be(store: Redis) -> None:
    ear, ahead = Ear("alice"), [0.0]

    async def scene(relay: Relay) -> None:
        await relay.add(ear)
        for index in range(3):
            store.emit("alice", index)
        await until(lambda: ear.indexes == [0, 1, 2])
        assert len(store.ids("alice")) == 3
        ahead[0] = 31.0
        await until(lambda: store.ids("alice") == [])
        ahead[0] = 0.0
        store.emit("alice", 3)
        await until(lambda: ear.indexes == [0, 1, 2, 3])
        assert len(store.ids("alice")) == 1

    play(store, scene, seconds=30, now=lambda: time.time() + ahead[0])


def test_of_more_bytes_than_a_journal_may_hold_the_oldest_go(store: Redis) -> None:
    ear, other = Ear("alice"), Ear("bob")

    async def scene(relay: Relay) -> None:
        await relay.add(ear)
        await relay.add(other)
        store.emit("bob", 0, bytes(40_000))
        for index in range(30):
            store.emit("alice", index, bytes(20_000))
            await until(lambda: len(ear.heard) == index + 1)  # noqa: B023
        await until(lambda: len(store.ids("alice")) <= 5)

    play(store, scene, max_bytes=100_000)

    assert ear.indexes == list(range(30))


def test_a_session_that_fails_harms_no_other(store: Redis) -> None:
    deaf, ear = Ear("deaf", deaf=True), Ear("ear")

    async def scene(relay: Relay) -> None:
        await relay.add(deaf)
        await relay.add(ear)
        for index in range(2):
            store.emit("deaf", index)
            store.emit("ear", index)
        await until(lambda: len(ear.heard) >= 2 and len(deaf.heard) >= 2)

    with capture_logs() as logs:
        play(store, scene)

    assert ear.indexes == deaf.indexes == [0, 1]
    assert [line["event"] for line in logs] == ["relay failed; it goes on"] * 2


def test_a_session_that_cannot_be_opened_is_not_kept(own_redis: RedisProcess) -> None:
    store = Redis(own_redis.url)

    async def scene(relay: Relay) -> None:
        own_redis.kill()
        with pytest.raises(RedisUnavailable):
            await relay.add(Ear("alice"))
        assert relay.readers == []

    play(store, scene)
    store.close()


def test_a_session_whose_opening_breaks_off_halfway_is_not_kept(store: Redis) -> None:
    class Broken(Journal):
        async def wake(self) -> None:
            raise RedisUnavailable("gone", "again")

    async def run() -> None:
        relay = made(store, Broken(store.url, "test"))
        with pytest.raises(RedisUnavailable):
            await relay.add(Ear("alice"))
        assert relay.readers == []
        await closed(relay)

    asyncio.run(run())


def test_after_an_empty_redis_comes_back_sessions_are_made_anew_and_heard(own_redis: RedisProcess) -> None:
    store = Redis(own_redis.url)
    ears = [Ear("alice", first=2), Ear("bob")]

    async def scene(relay: Relay) -> None:
        for ear in ears:
            await relay.add(ear)
        store.emit("alice", 0)
        await until(lambda: ears[0].indexes == [0])
        own_redis.kill()
        await until(lambda: store.outages > 0)
        own_redis.start()
        remade = await until(lambda: bool(store.client.exists("journal:alice")), 15)
        assert remade < 1
        assert store.client.hget("live:alice", "from") == b"2"
        for ear in ears:
            store.emit(ear.id, 1)
        await until(lambda: ears[1].indexes == [1] and ears[0].indexes == [0, 1])
        assert [ear.losses for ear in ears] == [1, 1]

    play(store, scene)
    store.close()


@pytest.mark.usefixtures("soon")
def test_a_new_journal_is_read_from_its_start_though_its_clock_runs_behind(store: Redis) -> None:
    ear = Ear("alice")

    async def scene(relay: Relay) -> None:
        await relay.add(ear)
        hour_ahead = int((time.time() + 3_600) * 1000)
        store.client.xadd(
            "journal:alice",
            {"e": '{"kind":"text","stage":"stt","session":"alice","segment":0}'},
            id=f"{hour_ahead}-0",
        )
        await until(lambda: ear.indexes == [0])
        store.client.delete("journal:alice")
        await until(lambda: ear.losses == 1)
        store.emit("alice", 1)
        assert await until(lambda: ear.indexes == [0, 1]) < BLOCK_MS / 1000 / 2
        assert int(ear.entries[1].id.partition("-")[0]) < hour_ahead

    play(store, scene)


@pytest.mark.usefixtures("soon")
def test_what_an_old_journal_held_does_not_count_for_the_new_one(store: Redis) -> None:
    """Else the new one would be cut by an id of the old one's clock: nothing would be left of it."""
    ear = Ear("alice")

    async def scene(relay: Relay) -> None:
        await relay.add(ear)
        hour_ahead = int((time.time() + 3_600) * 1000)
        for index in range(8):
            fields = {
                "e": '{"kind":"audio","stage":"tts","session":"alice","segment":0}',
                "pcm": bytes(11_000),
            }
            store.client.xadd("journal:alice", fields, id=f"{hour_ahead}-{index}")  # type: ignore[arg-type]
        await until(lambda: len(ear.heard) == 8)
        store.client.delete("journal:alice")
        await until(lambda: ear.losses == 1)
        for index in range(3):
            store.emit("alice", index, bytes(11_000))
        await until(lambda: len(ear.heard) == 11)
        await asyncio.sleep(0.1)
        assert len(store.ids("alice")) == 3

    play(store, scene, max_bytes=100_000)


def test_a_session_removed_while_redis_is_away_is_forgotten_here(own_redis: RedisProcess) -> None:
    store = Redis(own_redis.url)

    async def scene(relay: Relay) -> None:
        ear = Ear("alice")
        await relay.add(ear)
        own_redis.kill()
        await relay.remove(ear)
        assert relay.readers == []
        own_redis.start()
        await asyncio.sleep(1)
        assert not store.client.exists("live:alice", "journal:alice")

    play(store, scene)
    store.close()


def test_a_relay_stops_though_a_cancellation_is_swallowed(store: Redis) -> None:
    class Deafening(Journal):
        """As redis-py does on Python 3.11 where a cancellation comes together with a result."""

        swallowed = False

        async def read(self, after: Mapping[str, str]) -> list[tuple[str, Entry, int]]:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if self.swallowed:
                    raise
                self.swallowed = True
            return []

    async def run() -> None:
        relay = made(store, Deafening(store.url, "test"))
        relay.start()
        await asyncio.sleep(0.05)
        async with asyncio.timeout(2):
            await relay.stop()
        await closed(relay)

    asyncio.run(run())


def test_an_entry_that_cannot_be_read_does_not_end_the_relay(store: Redis) -> None:
    async def scene(relay: Relay) -> None:
        ear = Ear("alice")
        await relay.add(ear)
        store.client.xadd("journal:alice", {"e": "no JSON"})
        store.client.xadd("journal:alice", {"z": "of a later release"})
        await asyncio.sleep(0.1)
        store.client.xtrim("journal:alice", maxlen=0, approximate=False)
        store.emit("alice", 1)
        await until(lambda: ear.indexes == [1])

    play(store, scene)


def test_an_entry_that_comes_together_with_the_end_of_its_session_is_dropped(store: Redis) -> None:
    class Late(Journal):
        """Brings an entry of a session that was removed while it was on its way."""

        async def read(self, after: Mapping[str, str]) -> list[tuple[str, Entry, int]]:
            await asyncio.sleep(0.01)
            entries = {room: Entry("1-0", Event("text", "stt", room, 0)) for room in ("gone", "here")}
            return [(room, entry, 10) for room, entry in entries.items() if room == "gone" or room in after]

    async def run() -> None:
        relay, here = made(store, Late(store.url, "test")), Ear("here")
        await relay.add(here)
        relay.start()
        await until(lambda: len(here.heard) > 1)
        await relay.stop()
        await closed(relay)
        assert {heard.session for heard in here.heard} == {"here"}

    asyncio.run(run())
