"""A worker that starts beside others, on a real Redis where these are registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis

from bridge.errors import SettingsError
from bridge.settings import Settings
from bridge.store import keys
from bridge.store.registry import Registry, WorkerRecord
from bridge.tasks.beside import admitted

pytestmark = pytest.mark.redis

OLD = WorkerRecord("tts-cpu0-0@vm", "tts", "cpu0", "tts.cpu0", 2, "espeak", ("ca", "de", "es"), life="a")
NEW = replace(OLD, provider="piper", life="b")

Live = Callable[[WorkerRecord], None]


@pytest.fixture
def registry(settings: Settings) -> Iterator[Registry]:
    made = Registry(settings.redis_url)
    yield made
    made.close()


@pytest.fixture
def live(settings: Settings, registry: Registry) -> Iterator[Live]:
    """Has a worker live: on the list, its connection standing."""
    client = redis.Redis.from_url(settings.redis_url)
    pubsub: Any = client.pubsub()  # type: ignore[no-untyped-call]

    def begin(record: WorkerRecord) -> None:
        registry.register(record, 60_000)
        pubsub.subscribe(keys.alive(record.name, record.life))
        assert pubsub.get_message(timeout=5)

    yield begin
    pubsub.close()
    client.close()


def test_alone_it_is_called_as_its_entry_says(registry: Registry) -> None:
    assert admitted(registry, NEW) == NEW


def test_beside_one_of_the_same_entry_it_has_a_name_of_its_own(registry: Registry, live: Live) -> None:
    live(OLD)
    second = admitted(registry, NEW)
    assert second.name == "tts-cpu0-0.2@vm"
    live(second)
    assert admitted(registry, replace(NEW, life="c")).name == "tts-cpu0-0.3@vm"


def test_one_that_was_killed_leaves_its_name(registry: Registry) -> None:
    registry.register(replace(OLD, languages=("fr",)), 60_000)

    assert admitted(registry, NEW) == NEW


def test_what_it_lacks_of_the_others_on_its_queue_is_told_and_it_does_not_start(
    registry: Registry, live: Live
) -> None:
    live(OLD)
    with pytest.raises(SettingsError) as refused:
        admitted(registry, replace(NEW, languages=("es",)))

    assert refused.value.message == "piper cannot share the queue tts.cpu0 with espeak: it lacks ca, de."
    assert "a device of its own" in refused.value.hint


@pytest.mark.parametrize(
    "old",
    [replace(OLD, draining=True), replace(OLD, queue="tts.cpu1"), replace(OLD, languages=("es",))],
    ids=["draining", "elsewhere", "less"],
)
def test_it_starts_beside_one_that_ends_one_on_another_queue_and_one_that_can_less(
    registry: Registry, live: Live, old: WorkerRecord
) -> None:
    live(old)

    assert admitted(registry, replace(NEW, languages=("de", "es"))).name == "tts-cpu0-0.2@vm"


def test_a_list_of_hundreds_is_cut(registry: Registry, live: Live) -> None:
    live(replace(OLD, languages=tuple(f"x{number:03}" for number in range(100))))
    with pytest.raises(SettingsError, match="x000, x001, x002, x003, x004 and 95 more"):
        admitted(registry, NEW)


def test_a_redis_that_is_away_is_met_later() -> None:
    registry = Registry("redis://127.0.0.1:1/0")

    assert admitted(registry, NEW) == NEW
