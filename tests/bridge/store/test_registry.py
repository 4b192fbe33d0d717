"""What gateways see of the workers, on a real server and of real processes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, replace
from typing import TypeVar

import pytest

from bridge.store import keys
from bridge.store.cancel import Cancellations
from bridge.store.registry import Registry, Sighting, Watch, WorkerRecord
from tests.stack import REPOSITORY, RedisProcess, wait_until

pytestmark = pytest.mark.redis

T = TypeVar("T")

WORKER = """
import sys, time
from bridge.store.cancel import Cancellations
from bridge.store.registry import Registry, WorkerRecord
url, name, life = sys.argv[1:]
assert Cancellations(url, name, life).listening.wait(5)
Registry(url).register(WorkerRecord(name, "stt", "cpu0", "stt.cpu0", 1, "x", life=life), 60_000)
time.sleep(60)
"""


@pytest.fixture
def registry(redis_server: RedisProcess) -> Iterator[Registry]:
    made = Registry(redis_server.url)
    yield made
    made.close()


def record(name: str, queue: str = "stt.cpu0", life: str = "life1") -> WorkerRecord:
    return WorkerRecord(name, "stt", queue.partition(".")[2], queue, 1, "x", languages=("en",), life=life)


def on(registry: Registry, call: Callable[[Watch], Awaitable[T]]) -> T:
    async def once() -> T:
        watch = Watch(registry.url)
        try:
            return await call(watch)
        finally:
            await watch.close()

    return asyncio.run(once())


def look(registry: Registry) -> Sighting:
    return on(registry, lambda watch: watch.look())


def names(registry: Registry) -> list[str]:
    return [worker.name for worker in look(registry).workers]


def test_a_record_survives_the_trip(registry: Registry) -> None:
    told = WorkerRecord(
        "t", "translation", "gpu1", "translation.gpu1", 4, "nllb", ("en",), (("en", "es"), ("es", "en")),
        True, ("small",), "host", 7, "life1", 3, -2.5, True,
    )  # fmt: skip
    registry.register(told, 5_000)

    assert registry.workers() == [told]
    assert look(registry).workers == (told,)


def test_a_record_of_another_release_is_read_as_far_as_it_is_known(registry: Registry) -> None:
    values = asdict(record("a")) | {"colour": "red"}
    del values["models"], values["draining"]

    assert WorkerRecord.of(json.dumps(values).encode()) == record("a")


def test_nobody_there_is_an_empty_sight(registry: Registry) -> None:
    seen = look(registry)

    assert (seen.workers, seen.running, seen.waiting, seen.listening) == ((), {}, {}, {})
    assert abs(seen.now - registry.now()) < 1


def test_one_look_shows_what_runs_and_what_waits_at_any_priority(registry: Registry) -> None:
    for worker in (record("a", "stt.gpu0"), record("b", "stt.gpu1"), record("c", "stt.gpu1")):
        registry.register(worker, 5_000)
    registry.client.hset(keys.RUNNING, "a", '["alice/3/stt//0"]')
    registry.client.lpush("stt.gpu0", "x")
    registry.client.lpush("stt.gpu0:3", "x", "y")
    registry.client.lpush("stt.gpu1:9", "x")
    seen = look(registry)

    assert seen.running == {"a": ("alice/3/stt//0",), "b": (), "c": ()}
    assert seen.waiting == {"stt.gpu0": 3, "stt.gpu1": 1}
    assert seen.listening == {"a": False, "b": False, "c": False}


def test_a_silent_worker_is_gone_and_forgotten_with_what_it_ran(registry: Registry) -> None:
    registry.register(record("a"), 60_000)
    registry.register(record("b"), 1)
    for name in ("a", "b"):
        registry.client.hset(keys.RUNNING, name, "[]")
    wait_until(lambda: registry.client.exists(keys.worker("b")) == 0, 2, "its time is over")

    assert names(registry) == ["a"]
    assert registry.client.smembers(keys.WORKERS) == {b"a"}
    assert registry.client.hkeys(keys.RUNNING) == [b"a"]


def test_a_look_survives_a_server_that_forgot_its_scripts(registry: Registry) -> None:
    registry.register(record("a"), 60_000)

    async def twice(watch: Watch) -> list[Sighting]:
        first = await watch.look()
        registry.client.script_flush()
        return [first, await watch.look()]

    first, second = on(registry, twice)
    assert first.workers == second.workers == (record("a"),)
    assert first.server == second.server == registry.client.info("server")["run_id"]


def test_an_unregistered_worker_leaves_nothing(registry: Registry) -> None:
    registry.register(record("a"), 60_000)
    registry.client.hset(keys.RUNNING, "a", "[]")
    registry.unregister("a")

    assert registry.client.keys("*") == []


def test_the_dead_are_buried_and_their_next_life_is_not(registry: Registry) -> None:
    first = record("a")
    registry.register(first, 60_000)
    registry.client.hset(keys.RUNNING, "a", "[]")
    on(registry, lambda watch: watch.bury(replace(first, life="another", beat=3)))
    assert names(registry) == ["a"]

    on(registry, lambda watch: watch.bury(replace(first, beat=3)))
    assert registry.client.keys("*") == []
    on(registry, lambda watch: watch.bury(first))


@pytest.fixture
def process(registry: Registry) -> Iterator[subprocess.Popen[bytes]]:
    """A worker `a` in a process of its own, which is on the list and listens."""
    made = subprocess.Popen(
        [sys.executable, "-c", WORKER, registry.url, "a", "life1"],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    wait_until(lambda: look(registry).listening == {"a": True}, 20, "it is there")
    yield made
    made.kill()
    made.wait()


def test_a_killed_process_is_seen_at_once_and_its_next_life_apart_from_it(
    registry: Registry, process: subprocess.Popen[bytes]
) -> None:
    process.kill()
    # Its record has a minute to live; the kernel closed its connection.
    wait_until(lambda: look(registry).listening == {"a": False}, 1, "its end is seen")

    registry.register(record("a", life="life2"), 60_000)
    assert look(registry).listening == {"a": False}
    second = Cancellations(registry.url, "a", "life2")
    assert second.listening.wait(5)
    assert look(registry).listening == {"a": True}
    second.close()
