"""Who lives and who is gone: real Redis, and workers' connections in processes that die, stop, come back."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from bridge.store.registry import Registry, Sighting, Watch, WorkerRecord
from bridge.store.work import Desk
from bridge.types import Stage
from gateway.runtime import fleet as module
from gateway.runtime.errands import Errands
from gateway.runtime.fleet import Fleet
from tests.stack import REPOSITORY, RedisProcess

pytestmark = pytest.mark.redis

INTERVAL = 0.05
WORKER = """
import sys, time
from bridge.store.cancel import Cancellations
from bridge.store.registry import Registry, WorkerRecord
url, name, stage, queue, life, beats = sys.argv[1:]
listening = Cancellations(url, name, life)
record = WorkerRecord(name, stage, "cpu0", queue, 1, "p", languages=("en",), life=life)
while True:
    if listening.listening.wait(1):
        try:
            Registry(url).register(record, 15_000)
        except Exception:
            pass
        else:
            print("registered", flush=True)
    time.sleep(float(beats))
"""


class Worker:
    """The sign of life of a worker, in a process of its own."""

    def __init__(self, url: str, name: str = "stt-cpu0", queue: str = "stt.cpu0", beats: float = 60) -> None:
        self.name = name
        life = f"{time.monotonic_ns()}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, url, name, "stt", queue, life, str(beats)],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"registered\n"

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """A Redis that this test may kill."""
    server = RedisProcess(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def start() -> Iterator[Callable[..., Worker]]:
    """Starts workers; all end with the test."""
    started: list[Worker] = []

    def make(url: str, name: str = "stt-cpu0", queue: str = "stt.cpu0", beats: float = 60) -> Worker:
        started.append(Worker(url, name, queue, beats))
        return started[-1]

    yield make
    for worker in started:
        worker.end()


class Seen:
    """A fleet that looks, and what it told."""

    def __init__(self, url: str, errands: Errands) -> None:
        self.watch = Watch(url)
        self.gone: list[tuple[str, bool]] = []
        self.looks = 0
        self.fleet = Fleet(self.watch, errands, INTERVAL, self._gone, self._looked)

    @property
    def names(self) -> set[str]:
        return {worker.name for worker in self.fleet.workers}

    async def until(self, condition: Callable[[], bool], seconds: float = 10) -> float:
        """Waits for `condition`; how long that took."""
        since = time.monotonic()
        while not condition():
            assert time.monotonic() - since < seconds
            await asyncio.sleep(0.005)
        return time.monotonic() - since

    async def further(self, looks: int) -> None:
        """Waits for so many looks more."""
        least = self.looks + looks
        await self.until(lambda: self.looks >= least)

    def _gone(self, worker: WorkerRecord, elsewhere: bool) -> None:
        self.gone.append((worker.name, elsewhere))

    def _looked(self) -> None:
        self.looks += 1


def play(url: str, scene: Callable[[Seen], Awaitable[None]]) -> None:
    async def run() -> None:
        errands = Errands()
        seen = Seen(url, errands)
        seen.fleet.start()
        try:
            async with asyncio.timeout(40):
                await scene(seen)
        finally:
            await seen.fleet.stop()
            await errands.done()
            await seen.watch.close()

    asyncio.run(run())


def record(name: str, stage: Stage = "stt", queue: str = "", **changes: object) -> WorkerRecord:
    made = WorkerRecord(name, stage, "cpu0", queue or f"{stage}.cpu0", 1, "p", languages=("en",), life="1")
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_killed_worker_is_gone_within_a_second_and_off_the_list(
    redis_server: RedisProcess, start: Callable[..., Worker]
) -> None:
    worker = start(redis_server.url)

    async def scene(seen: Seen) -> None:
        await seen.until(lambda: seen.names == {"stt-cpu0"})
        await seen.further(2)
        worker.signal(signal.SIGKILL)
        assert await seen.until(lambda: seen.gone != []) < 1
        assert seen.gone == [("stt-cpu0", False)]
        assert seen.names == set()
        assert [left.name for left in seen.fleet.departed] == ["stt-cpu0"]
        with redis.Redis.from_url(redis_server.url) as client:
            await seen.until(lambda: not client.exists("worker:stt-cpu0"))
        await seen.further(3)
        assert len(seen.gone) == 1

    play(redis_server.url, scene)


def test_work_moves_only_where_another_queue_serves_the_stage(
    redis_server: RedisProcess, start: Callable[..., Worker]
) -> None:
    first = start(redis_server.url, "stt-a", "stt.cpu0")
    second = start(redis_server.url, "stt-b", "stt.cpu0")
    third = start(redis_server.url, "stt-c", "stt.cpu1")

    async def scene(seen: Seen) -> None:
        await seen.until(lambda: seen.names == {"stt-a", "stt-b", "stt-c"})
        await seen.further(2)
        for number, worker in enumerate((first, second, third)):
            worker.signal(signal.SIGKILL)
            await seen.until(lambda: len(seen.gone) == number + 1)  # noqa: B023
        # stt-b still serves the queue of a; c serves another one than b; nobody is left after c.
        assert seen.gone == [("stt-a", False), ("stt-b", True), ("stt-c", False)]

    play(redis_server.url, scene)


def test_a_worker_that_starts_again_under_its_name_has_left_its_old_life_behind(
    redis_server: RedisProcess, start: Callable[..., Worker]
) -> None:
    first = start(redis_server.url)

    async def scene(seen: Seen) -> None:
        await seen.until(lambda: seen.names == {"stt-cpu0"})
        first.signal(signal.SIGSTOP)  # it is replaced before anybody sees that it died
        start(redis_server.url)
        await seen.until(lambda: seen.gone != [])
        assert seen.gone == [("stt-cpu0", False)]
        first.signal(signal.SIGKILL)
        await seen.further(6)
        assert seen.gone == [("stt-cpu0", False)]
        assert seen.names == {"stt-cpu0"}
        assert seen.fleet.departed == []

    play(redis_server.url, scene)


def test_a_stopped_worker_is_not_gone(redis_server: RedisProcess, start: Callable[..., Worker]) -> None:
    worker = start(redis_server.url)

    async def scene(seen: Seen) -> None:
        await seen.until(lambda: seen.names == {"stt-cpu0"})
        worker.signal(signal.SIGSTOP)
        await seen.further(10)
        assert (seen.gone, seen.names) == ([], {"stt-cpu0"})

    play(redis_server.url, scene)


@pytest.mark.parametrize("pause", [0.0, 1.0])
def test_a_redis_that_comes_back_empty_makes_nobody_count_as_gone(
    own_redis: RedisProcess, start: Callable[..., Worker], pause: float
) -> None:
    start(own_redis.url, beats=1.5)

    async def scene(seen: Seen) -> None:
        await seen.until(lambda: seen.names == {"stt-cpu0"})
        await seen.further(2)
        own_redis.kill()
        await asyncio.sleep(pause)
        await asyncio.to_thread(own_redis.start)
        looks = seen.looks
        with redis.Redis.from_url(own_redis.url) as client:
            while not client.exists("worker:stt-cpu0"):
                assert (seen.gone, seen.names) == ([], {"stt-cpu0"})
                await asyncio.sleep(0.02)
        await seen.until(lambda: seen.looks > looks + 3)
        assert (seen.gone, seen.names) == ([], {"stt-cpu0"})

    play(own_redis.url, scene)


def test_after_that_who_does_not_come_back_is_gone(
    own_redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.3)
    Registry(own_redis.url).register(record("stt-cpu0"), 60_000)

    async def scene(seen: Seen) -> None:
        await seen.until(lambda: seen.names == {"stt-cpu0"})
        own_redis.kill()
        await asyncio.sleep(0.2)
        own_redis.start()
        assert await seen.until(lambda: seen.gone != []) > 0.1
        assert seen.names == set()

    play(own_redis.url, scene)


def test_a_draining_worker_gets_nothing_more_and_is_not_gone(redis_server: RedisProcess) -> None:
    registry = Registry(redis_server.url)
    registry.register(record("stt-cpu0"), 60_000)

    async def scene(seen: Seen) -> None:
        await seen.until(lambda: seen.names == {"stt-cpu0"})
        registry.register(record("stt-cpu0", draining=True), 60_000)
        await seen.until(lambda: seen.names == set())
        await seen.further(3)
        assert seen.gone == []
        assert seen.fleet.departed == []
        registry.unregister("stt-cpu0")
        await seen.further(3)
        # What waits in its queue has to go elsewhere now.
        assert seen.gone == [("stt-cpu0", False)]

    play(redis_server.url, scene)
    registry.close()


def test_a_worker_that_never_had_a_connection_lives_by_its_heartbeat(redis_server: RedisProcess) -> None:
    registry = Registry(redis_server.url)
    registry.register(record("stt-cpu0"), 700)

    async def scene(seen: Seen) -> None:
        await seen.until(lambda: seen.names == {"stt-cpu0"})
        await seen.further(5)
        assert seen.gone == []
        await seen.until(lambda: seen.gone == [("stt-cpu0", False)])

    play(redis_server.url, scene)
    registry.close()


def test_who_left_is_not_waited_for_for_ever(
    redis_server: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETURN_SECONDS", 0.3)
    registry = Registry(redis_server.url)
    registry.register(record("stt-cpu0"), 60_000)

    async def scene(seen: Seen) -> None:
        await seen.until(lambda: seen.names == {"stt-cpu0"})
        registry.unregister("stt-cpu0")
        await seen.until(lambda: [left.name for left in seen.fleet.departed] == ["stt-cpu0"])
        await seen.until(lambda: seen.fleet.departed == [])

    play(redis_server.url, scene)
    registry.close()


def test_what_workers_run_and_what_waits_is_known(redis_server: RedisProcess) -> None:
    registry, desk = Registry(redis_server.url), Desk(redis_server.url)
    registry.register(record("stt-a", slots=3), 60_000)
    registry.register(record("stt-b"), 60_000)
    desk.runs("stt-a", ["alice/0/stt//0", "bob/1/stt//0"])
    desk.client.lpush("stt.cpu0", "x", "y")

    async def scene(seen: Seen) -> None:
        await seen.further(1)
        assert seen.fleet.running == {"alice/0/stt//0", "bob/1/stt//0"}
        assert seen.fleet.slots == {"stt.cpu0": 4}
        assert seen.fleet.load("stt.cpu0") == 1.0
        assert seen.fleet.load("nowhere") == 0.0

    play(redis_server.url, scene)
    registry.close()
    desk.close()


def test_the_time_is_that_of_redis(redis_server: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(seen: Seen) -> None:
        await seen.further(1)
        true = time.time()
        monkeypatch.setattr(time, "time", lambda: true + 3_600)
        assert abs(seen.fleet.now() - true) < 5

    play(redis_server.url, scene)


def test_a_look_that_took_long_does_not_move_the_clock() -> None:
    """Half of its round trip would be the error."""

    class Slow(Watch):
        async def look(self) -> Sighting:
            at = time.monotonic() + 1_000
            await asyncio.sleep(delays.pop(0))
            return Sighting((), {}, {}, {}, at, "server")

    delays = [0.0, 0.08, 0.08]

    async def run() -> None:
        fleet = Fleet(Slow("redis://127.0.0.1:1"), Errands(), 60, lambda *_: None, lambda: None)
        for _ in range(3):
            await fleet.look()
        assert abs(fleet.at(5.0) - 1_005.0) < 0.02

    asyncio.run(run())


def test_the_first_look_after_redis_was_restarted_sees(own_redis: RedisProcess) -> None:
    """All connections that were open are stale then."""

    async def run() -> None:
        seen = Seen(own_redis.url, Errands())
        await asyncio.gather(*(seen.watch.look() for _ in range(3)))
        own_redis.kill()
        own_redis.start()
        await asyncio.gather(*(seen.watch.look() for _ in range(3)))
        await seen.watch.close()

    asyncio.run(run())


def test_those_who_ask_at_the_same_time_share_one_look(redis_server: RedisProcess) -> None:
    async def run() -> None:
        seen = Seen(redis_server.url, Errands())
        await asyncio.gather(*(seen.fleet.look() for _ in range(50)))
        assert seen.looks == 1
        await seen.watch.close()

    asyncio.run(run())
