"""The queues and workers that a scrape shows are those of that moment."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing

import pytest
import redis

from bridge import topology
from bridge.errors import VendorError
from bridge.pipeline import send
from bridge.placement import Place
from bridge.settings import Settings
from bridge.store import keys
from bridge.store.breakers import Breakers
from bridge.store.registry import Registry
from bridge.types import Stage, Target, Work
from gateway.runtime.backend import Backend
from gateway.runtime.monitor import Monitor
from tests.gateway.runtime.dispatching import Scene, play
from tests.gateway.scraping import Client, Page, register, scrape, serving
from tests.stack import as_gateway

pytestmark = pytest.mark.redis

NOBODY = {"stt.cpu0": 0, "translation.cpu0": 0, "tts.cpu0": 0}
TARGETS = (Target("es"),)
PLAN: dict[Place, str] = {
    ("stt", None): "stt.cpu0",
    ("translation", "es"): "translation.cpu0",
    ("tts", "es"): "tts.cpu0",
}


@pytest.fixture
def client(redis_server: object, settings: Settings) -> redis.Redis:
    return redis.Redis.from_url(settings.redis_url)


def put(settings: Settings, stage: Stage, ages: dict[float, bool]) -> None:
    """Work in the queue of a stage: for each age whether it is a draft."""
    as_gateway(settings, topology.load())
    registry = Registry(settings.redis_url)
    for number, (age, draft) in enumerate(ages.items()):
        work = Work("s", number, "r", draft=draft, target="es", sent=registry.now() - age)
        send(work, stage, TARGETS, PLAN)
    registry.close()


def test_a_queue_of_the_file_that_nobody_serves_has_no_worker(settings: Settings) -> None:
    page = scrape(settings)

    assert page.all("bridge_queue_workers", "queue") == NOBODY
    assert page.all("bridge_queue_slots", "queue") == NOBODY
    assert page.all("bridge_queue_running", "queue") == NOBODY
    assert page.all("bridge_queue_length", "queue") == NOBODY
    assert page.all("bridge_queue_oldest_seconds", "queue") == NOBODY


def test_workers_are_counted_by_queue_with_their_slots_and_what_they_run(
    settings: Settings, client: redis.Redis
) -> None:
    register(settings, "one", "stt.gpu1", slots=2, provider="whisper")
    register(settings, "two", "stt.gpu1", slots=3, provider="whisper")
    register(settings, "ends", "tts.cpu0", slots=4, draining=True)
    client.hset(keys.RUNNING, mapping={"one": json.dumps(["a", "b"]), "ends": json.dumps(["c"])})
    page = scrape(settings)

    assert page.all("bridge_queue_workers", "queue") == NOBODY | {"stt.gpu1": 2}
    assert page.all("bridge_queue_slots", "queue") == NOBODY | {"stt.gpu1": 5}
    assert page.all("bridge_queue_running", "queue") == NOBODY | {"stt.gpu1": 2, "tts.cpu0": 1}
    told = {"stage": "stt", "device": "gpu1", "provider": "whisper"}
    assert page.value("bridge_worker_info", worker="one", **told) == 1
    assert set(page.all("bridge_worker_info", "worker")) == {"one", "two", "ends"}


def test_what_waits_is_counted_in_all_priorities_and_the_oldest_of_them_tells_its_age(
    settings: Settings,
) -> None:
    put(settings, "stt", {3.0: False, 2.0: False, 40.0: True, 1.0: True})
    put(settings, "translation", {7.0: False})
    page = scrape(settings)

    assert page.all("bridge_queue_length", "queue") == NOBODY | {"stt.cpu0": 4, "translation.cpu0": 1}
    assert page.value("bridge_queue_oldest_seconds", queue="stt.cpu0") == pytest.approx(40, abs=1)
    assert page.value("bridge_queue_oldest_seconds", queue="translation.cpu0") == pytest.approx(7, abs=1)
    assert page.value("bridge_queue_oldest_seconds", queue="tts.cpu0") == 0


@pytest.mark.parametrize("message", [b"", b"{", b"[]", b'{"body": "AA"}', b'{"body": "W1tdXQ=="}'])
def test_a_message_that_is_not_ours_is_counted_and_has_no_age(
    settings: Settings, client: redis.Redis, message: bytes
) -> None:
    client.lpush("stt.cpu0", message)
    page = scrape(settings)

    assert page.value("bridge_queue_length", queue="stt.cpu0") == 1
    assert page.value("bridge_queue_oldest_seconds", queue="stt.cpu0") == 0


def test_what_waits_in_the_gateway_itself_is_counted(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        for segment in range(5):
            it.submit("file", segment, live=False)
        it.submit("alice", 0)
        await it.settled(3)
        backend = Backend(settings)
        backend.dispatcher = it.dispatcher
        monitor = Monitor(backend, (), "")
        page, _ = await monitor.page("")
        await monitor.stop()
        await backend.stop()
        assert Page(page.decode()).value("bridge_waiting_segments") == 3

    play(settings, scene, slots=2)


def test_a_worker_that_is_gone_is_gone_from_the_next_scrape(settings: Settings) -> None:
    register(settings, "one", "stt.gpu1")
    registry = Registry(settings.redis_url)

    async def ask(client: Client) -> tuple[Page, Page]:
        before = await client.get("/metrics")
        await asyncio.to_thread(registry.unregister, "one")
        return Page(before.text), Page((await client.get("/metrics")).text)

    before, after = serving(settings, ask)
    registry.close()
    assert before.all("bridge_worker_info", "worker") == {"one": 1}
    assert after.all("bridge_worker_info", "worker") == {}
    assert after.all("bridge_queue_workers", "queue") == NOBODY


def test_how_the_breakers_of_the_workers_providers_stand(settings: Settings) -> None:
    register(settings, "one", "tts.cpu0", provider="azure,elevenlabs,espeak")
    with closing(Breakers(settings.redis_url, "tts", settings)) as breakers:
        for provider in ("azure", "elevenlabs"):
            breakers.failed(provider, VendorError("No.", code="unavailable", retry_after_ms=60_000))
    with closing(redis.Redis.from_url(settings.redis_url)) as client:
        kept = json.loads(client.hget(keys.BREAKERS, "tts/azure") or b"")
        client.hset(keys.BREAKERS, "tts/azure", json.dumps(kept | {"till": kept["till"] - 60}))
    page = scrape(settings)

    assert page.all("bridge_breaker_state", "provider") == {"azure": 1, "elevenlabs": 2, "espeak": 0}
    assert {labels["stage"] for labels in page.labels("bridge_breaker_state")} == {"tts"}


def test_redis_tells_its_memory_and_its_connections_and_a_limit_where_it_has_one(
    settings: Settings, client: redis.Redis
) -> None:
    unlimited = scrape(settings)
    client.config_set("maxmemory", 500_000_000)
    try:
        limited = scrape(settings)
    finally:
        client.config_set("maxmemory", 0)

    assert set(unlimited.all("bridge_redis_memory_bytes", "kind")) == {"used"}
    assert limited.value("bridge_redis_memory_bytes", kind="limit") == 500_000_000
    assert limited.value(
        "bridge_redis_memory_bytes",
        kind="used",
    ) == pytest.approx(client.info("memory")["used_memory"], rel=0.5)
    connections = limited.value("bridge_redis_connections")
    assert connections is not None and connections >= 2
