"""A relay whose Redis dies and comes back empty, or gives it what it did not expect."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bridge.errors import RedisUnavailable
from bridge.store.journal import BLOCK_MS, Journal
from bridge.types import Entry, Event
from gateway.runtime.relay import Relay
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.ear import Ear, Redis, added, closed, made, play
from tests.stack import RedisProcess

pytestmark = pytest.mark.redis


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """A Redis that this test may kill."""
    server = RedisProcess(tmp_path)
    server.start()
    yield server
    server.kill()


def test_a_session_that_cannot_be_opened_is_not_kept(own_redis: RedisProcess) -> None:
    store = Redis(own_redis.url)

    async def scene(relay: Relay) -> None:
        own_redis.kill()
        with pytest.raises(RedisUnavailable):
            await added(relay, Ear("alice"))
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
            await added(relay, Ear("alice"))
        assert relay.readers == []
        await closed(relay)

    asyncio.run(run())


def test_after_an_empty_redis_comes_back_sessions_are_made_anew_and_heard(own_redis: RedisProcess) -> None:
    store = Redis(own_redis.url)
    ears = [Ear("alice", first=2), Ear("bob")]

    async def scene(relay: Relay) -> None:
        for ear in ears:
            await added(relay, ear)
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
        await added(relay, ear)
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
        await added(relay, ear)
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
        await added(relay, ear)
        own_redis.kill()
        relay.remove(ear)
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
        await added(relay, ear)
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
        await added(relay, here)
        relay.start()
        await until(lambda: len(here.heard) > 1)
        await relay.stop()
        await closed(relay)
        assert {heard.session for heard in here.heard} == {"here"}

    asyncio.run(run())
