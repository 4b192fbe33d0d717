"""A worker's sign of life, with real Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.settings import Settings
from bridge.store import keys
from bridge.store.registry import Registry, WorkerRecord
from bridge.tasks import heartbeat as module
from bridge.tasks.heartbeat import Heartbeat
from bridge.tasks.run import Runtime
from tests.bridge.rooms import Room
from tests.stack import wait_until

pytestmark = pytest.mark.redis


class Engine:
    """Holds models by name, or fails to say which."""

    def __init__(self) -> None:
        self.models: list[str] | Exception = []

    def resident(self) -> tuple[str, ...]:
        if isinstance(self.models, Exception):
            raise self.models
        return tuple(self.models)


@pytest.fixture
def registry(room: Room) -> Iterator[Registry]:
    made = Registry(room.url)
    yield made
    made.close()


@pytest.fixture
def beating(
    runtime: Runtime, registry: Registry, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Heartbeat]]:
    """Starts a heartbeat of 10 a second, and ends it."""
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.05)
    runtime.provider = Engine()
    fast = settings.model_copy(update={"heartbeat_interval_ms": 100, "worker_ttl_ms": 2_000})
    record = WorkerRecord("w", "tts", "cpu0", "tts.cpu0", 1, "mouth", life="life1")
    made = Heartbeat(runtime, registry, record, fast)

    def start() -> Heartbeat:
        made.start()
        wait_until(lambda: bool(registry.workers()), 2, "it is registered")
        return made

    yield start
    made.close()


def the_one(registry: Registry) -> WorkerRecord:
    (worker,) = registry.workers()
    return worker


def later_beat(registry: Registry) -> None:
    beat = the_one(registry).beat
    wait_until(lambda: the_one(registry).beat > beat + 1, 2, "it beats on")


def test_beats_are_counted_within_a_life(beating: Callable[[], Heartbeat], registry: Registry) -> None:
    beating()
    first = the_one(registry)
    later_beat(registry)

    assert (first.life, the_one(registry).life) == ("life1", "life1")


def test_each_beat_tells_which_models_are_loaded_now(
    beating: Callable[[], Heartbeat], registry: Registry, runtime: Runtime
) -> None:
    beating()
    assert the_one(registry).models == ()
    runtime.provider.models = ["a", "b"]
    wait_until(lambda: the_one(registry).models == ("a", "b"), 2, "its models are told")
    runtime.provider.models = ["b"]
    wait_until(lambda: the_one(registry).models == ("b",), 2, "the freed one is gone")


def test_each_beat_tells_what_runs_since_redis_may_have_lost_it(
    beating: Callable[[], Heartbeat], registry: Registry, runtime: Runtime, room: Room
) -> None:
    def running() -> Any:
        raw: Any = room.client.hget(keys.RUNNING, "w")
        return raw and json.loads(raw)

    beating()
    runtime.running.append("alice/0/tts/es/0")
    runtime.changed.set()
    wait_until(lambda: running() == ["alice/0/tts/es/0"], 2, "it is told")
    room.client.flushall()
    wait_until(lambda: running() == ["alice/0/tts/es/0"], 2, "it is told again")
    assert the_one(registry).name == "w"


def test_a_clock_that_is_ahead_is_measured_against_that_of_redis(
    beating: Callable[[], Heartbeat], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    beating()
    assert abs(the_one(registry).ahead_ms) < 500
    real = time.time
    monkeypatch.setattr("time.time", lambda: real() + 120)

    wait_until(lambda: abs(the_one(registry).ahead_ms - 120_000) < 500, 2, "the difference is told")


def test_an_engine_that_cannot_say_what_it_holds_does_not_end_the_beating(
    beating: Callable[[], Heartbeat], registry: Registry, runtime: Runtime
) -> None:
    runtime.provider.models = ["a"]
    beating()
    runtime.provider.models = RuntimeError("dictionary changed size during iteration")
    with capture_logs() as lines:
        later_beat(registry)

    assert the_one(registry).models == ("a",)
    assert "the engine does not say which models it holds" in {line["event"] for line in lines}


def test_no_unexpected_error_ends_the_beating(
    beating: Callable[[], Heartbeat], registry: Registry, runtime: Runtime
) -> None:
    beating()
    with capture_logs() as lines:
        runtime.running.append({1})  # type: ignore[arg-type]  # what no JSON can hold
        runtime.changed.set()
        wait_until(lambda: bool(lines), 2, "it fails")
    assert lines[0]["event"] == "no heartbeat"
    runtime.running.clear()

    later_beat(registry)


def test_it_outlives_a_redis_that_refuses(beating: Callable[[], Heartbeat], registry: Registry) -> None:
    beating()
    with capture_logs() as lines:
        registry.client.config_set("maxmemory", "1")
        wait_until(lambda: len(lines) > 1, 2, "beats fail")
        registry.client.config_set("maxmemory", "0")
    assert "out of memory" in lines[0]["error"]

    later_beat(registry)


def test_it_is_not_on_the_list_while_its_connection_does_not_stand(
    beating: Callable[[], Heartbeat], registry: Registry, runtime: Runtime
) -> None:
    beating()
    runtime.cancellations.close()
    wait_until(lambda: not runtime.cancellations.listening.is_set(), 2, "it listens no more")
    beat = the_one(registry).beat
    with capture_logs() as lines:
        wait_until(lambda: bool(lines), 2, "a beat fails")

    assert lines[0]["event"] == "no heartbeat"
    assert the_one(registry).beat <= beat + 1


def test_a_draining_worker_says_so_at_once_and_stays_until_it_ends(
    beating: Callable[[], Heartbeat], registry: Registry, room: Room
) -> None:
    made = beating()
    made.drain()
    wait_until(lambda: the_one(registry).draining, 2, "it drains")
    later_beat(registry)
    made.close()

    assert registry.workers() == []
    assert room.client.hgetall(keys.RUNNING) == {}
