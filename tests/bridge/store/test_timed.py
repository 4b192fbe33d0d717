"""How long Redis takes to answer is measured by what was asked, and only where it is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
import redis
from prometheus_client import REGISTRY

from bridge.store import keys, timed
from bridge.store.journal import Journal
from bridge.store.registry import Registry, Watch
from bridge.store.sessions import Sessions
from tests.stack import RedisProcess, free_port

pytestmark = pytest.mark.redis


@pytest.fixture(autouse=True)
def measured() -> Iterator[None]:
    before = keys.clients
    timed.begin(True)
    yield
    keys.clients = before


def counted(do: Callable[[], object]) -> dict[str, float]:
    """How many answers were counted while `do` ran, by command."""

    def all_of() -> dict[str, float]:
        samples = [sample for family in REGISTRY.collect() for sample in family.samples]
        name = "bridge_redis_command_seconds_count"
        return {each.labels["command"]: each.value for each in samples if each.name == name}

    before = all_of()
    do()
    return {name: more for name, value in all_of().items() if (more := value - before.get(name, 0))}


def test_commands_of_blocking_clients_count_by_their_names(redis_server: RedisProcess) -> None:
    def do() -> None:
        client = keys.connect(redis_server.url, patient=True)
        client.set("a", "1")
        client.get("a")
        client.get("a")
        with client.pipeline(transaction=False) as pipe:
            pipe.set("b", "1")
            pipe.get("b")
            assert pipe.execute() == [True, b"1"]
        client.close()

    assert counted(do) == {"set": 1, "get": 2, "pipeline": 1}


def test_commands_of_asynchronous_clients_count_by_their_names(redis_server: RedisProcess) -> None:
    async def run() -> None:
        client = keys.connect_async(redis_server.url)
        await client.set("a", "1")
        async with client.pipeline(transaction=False) as pipe:
            pipe.get("a")
            assert await pipe.execute() == [b"1"]
        await client.aclose()

    assert counted(lambda: asyncio.run(run())) == {"set": 1, "pipeline": 1}


def test_scripts_count_by_what_they_are_for(redis_server: RedisProcess) -> None:
    async def run() -> None:
        watch, sessions = Watch(redis_server.url), Sessions(redis_server.url)
        await watch.look()
        await watch.look()
        await sessions.supersede("s", 1, 0, "stt", None, 1)
        await watch.close()
        await sessions.close()

    found = counted(lambda: asyncio.run(run()))
    assert {name: many for name, many in found.items() if name.startswith("script:")} == {
        "script:registry.look": 2,
        "script:sessions.set": 1,
    }
    assert not any(name.startswith("eval") for name in found)


def test_waiting_for_entries_is_no_answer_that_took_long(redis_server: RedisProcess) -> None:
    async def run() -> None:
        journal = Journal(redis_server.url, "gateway")
        await journal.wake()
        assert await journal.read({}) == []
        await journal.close()

    assert counted(lambda: asyncio.run(run())) == {"xadd": 1, "expire": 1}


def test_what_gets_no_answer_is_not_counted() -> None:
    def do() -> None:
        client = keys.connect(f"redis://127.0.0.1:{free_port()}/0", patient=False)
        with pytest.raises(redis.ConnectionError):
            client.ping()
        client.close()

    assert counted(do) == {}


def test_nothing_is_counted_where_it_is_not_wanted(redis_server: RedisProcess) -> None:
    timed.begin(False)
    client = keys.connect(redis_server.url, patient=False)

    assert type(client) is redis.Redis
    assert counted(client.ping) == {}
    client.close()


def test_time_counts_in_seconds(redis_server: RedisProcess) -> None:
    registry = Registry(redis_server.url)

    def total() -> float:
        name = "bridge_redis_command_seconds_sum"
        return REGISTRY.get_sample_value(name, {"command": "get"}) or 0

    before = total()
    registry.client.client_pause(60)
    registry.client.get("a")
    registry.close()
    assert 0.05 <= total() - before < 1
