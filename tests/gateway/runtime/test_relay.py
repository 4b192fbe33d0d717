"""Journals of many rooms through one read, on a real Redis."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.store.journal import BLOCK_MS
from bridge.types import Decision, Event
from gateway.runtime.relay import SESSION_TTL_SECONDS, Relay
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.ear import Ear, Redis, added, closed, made, play

pytestmark = pytest.mark.redis


def test_entries_of_many_rooms_reach_their_own_session_once_and_in_order(store: Redis) -> None:
    ears = [Ear(f"session{number}") for number in range(20)]

    async def scene(relay: Relay) -> None:
        for ear in ears:
            await added(relay, ear)
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


def test_one_read_brings_entries_of_many_rooms(store: Redis) -> None:
    ears = [Ear(f"session{number}") for number in range(128)]

    def reads() -> int:
        stats: Any = store.client.info("commandstats")
        return int(stats["cmdstat_xread"]["calls"])

    async def scene(relay: Relay) -> None:
        for ear in ears:
            await added(relay, ear)
        before = reads()
        for ear in ears:
            store.emit(ear.id, 7)
            await asyncio.sleep(0.001)
        await until(lambda: all(ear.indexes == [7] for ear in ears))
        assert reads() - before < len(ears) / 2

    play(store, scene)


def test_decisions_and_events_come_in_the_order_of_the_journal(store: Redis) -> None:
    ear = Ear("alice")

    async def scene(relay: Relay) -> None:
        await added(relay, ear)
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
        await added(relay, ear)
        await asyncio.sleep(0.3)
        await added(relay, later)
        store.emit("later", 1)
        assert await until(lambda: later.indexes == [1]) < BLOCK_MS / 1000 / 2

    play(store, scene)


def test_a_session_that_says_nothing_costs_no_reads(store: Redis) -> None:
    def reads() -> int:
        stats: Any = store.client.info("commandstats")
        return int(stats.get("cmdstat_xread", {"calls": 0})["calls"])

    async def scene(relay: Relay) -> None:
        await added(relay, Ear("alice"))
        await asyncio.sleep(0.1)
        before = reads()
        await asyncio.sleep(0.5)
        assert reads() - before <= 2

    play(store, scene)


def test_what_was_said_before_the_first_read_is_heard(store: Redis) -> None:
    async def scene(relay: Relay) -> None:
        ear = Ear("alice")
        await added(relay, ear)
        store.emit("alice", 0)
        await until(lambda: ear.indexes == [0])

    play(store, scene)


def test_a_removed_room_hears_nothing_and_the_others_go_on(store: Redis) -> None:
    gone, here = Ear("gone"), Ear("here")

    async def scene(relay: Relay) -> None:
        await added(relay, gone)
        await added(relay, here)
        relay.remove(gone)
        assert relay.readers == [here]
        store.emit("gone", 0)
        store.emit("here", 0)
        await until(lambda: here.indexes == [0])

    play(store, scene)

    assert gone.entries == []


@pytest.mark.usefixtures("soon")
def test_a_session_is_kept_alive_with_its_first_live_segment(store: Redis) -> None:
    def first() -> bytes | None:
        found: Any = store.client.hget("live:alice", "from")
        assert found is None or isinstance(found, bytes)
        return found

    async def scene(relay: Relay) -> None:
        ear = Ear("alice", first=3)
        await added(relay, ear)
        assert first() == b"0"
        store.client.delete("live:alice")
        await until(lambda: first() == b"3")
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
        await added(relay, Ear("alice"))
        assert store.client.ttl("journal:alice") == 600
        await closed(relay)

    asyncio.run(run())


@pytest.mark.usefixtures("soon")
def test_entries_go_when_they_are_older_than_the_journal_may_be(store: Redis) -> None:
    ear, ahead = Ear("alice"), [0.0]

    async def scene(relay: Relay) -> None:
        await added(relay, ear)
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
        await added(relay, ear)
        await added(relay, other)
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
        await added(relay, deaf)
        await added(relay, ear)
        for index in range(2):
            store.emit("deaf", index)
            store.emit("ear", index)
        await until(lambda: len(ear.heard) >= 2 and len(deaf.heard) >= 2)

    with capture_logs() as logs:
        play(store, scene)

    assert ear.indexes == deaf.indexes == [0, 1]
    assert [line["event"] for line in logs] == ["relay failed; it goes on"] * 2
