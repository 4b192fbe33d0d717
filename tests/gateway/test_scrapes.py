"""What Prometheus reads of a gateway, as HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from math import isnan
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from bridge.metrics import TABLE, worker
from bridge.settings import Settings
from bridge.store.gateways import Gateways
from tests.gateway.scraping import Client, Page, fetch, register, scrape, serving
from tests.stack import free_port

pytestmark = pytest.mark.redis


def nowhere(tmp_path: Path, port: int) -> Settings:
    return Settings.read(redis_url=f"redis://127.0.0.1:{port}/0", data_dir=tmp_path)


def test_a_scrape_is_text_of_this_release_and_of_the_objectives_in_force(settings: Settings) -> None:
    answer = fetch(settings.model_copy(update={"slo_segment_ms": 1250}), "/metrics")
    page = Page(answer.text)

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert [labels["version"] for labels in page.labels("bridge_build_info")] == ["0.1.0"]
    assert page.all("bridge_slo_seconds", "slo") == {
        **{"first_audio": 0.3, "segment": 1.25, "barge_in": 0.05},
        **{"control": 0.02, "jitter": 0.01},
    }
    assert page.value("bridge_redis_up") == 1
    assert page.value("process_resident_memory_bytes")
    assert "_created" not in answer.text


def test_a_gateway_shows_every_series_of_its_own_and_none_of_workers(settings: Settings) -> None:
    shown = {line.split()[2] for line in fetch(settings, "/metrics").text.splitlines() if "# TYPE" in line}

    others = {row.name for row in TABLE if row.at == worker.AT}
    assert others and not others & shown
    assert {row.name for row in TABLE} - others <= shown


def test_who_asks_for_openmetrics_gets_a_whole_page_of_it(settings: Settings) -> None:
    accept = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;q=0.1"
    answer = fetch(settings, "/metrics", accept=accept)

    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.count("# EOF") == 1
    families = openmetrics(answer.text)  # type: ignore[no-untyped-call]
    assert "bridge_redis_up" in {family.name for family in families}


@pytest.mark.parametrize("path", ["/metrics", "/metrics/targets"])
def test_without_metrics_a_scraper_is_told_what_to_set(settings: Settings, path: str) -> None:
    answer = fetch(settings.model_copy(update={"metrics": False}), path)

    assert (answer.status_code, answer.json()["code"]) == (404, "metrics_off")
    assert "METRICS=true" in answer.json()["hint"]


@pytest.mark.parametrize("on", [True, False])
def test_the_loop_and_redis_are_timed_where_metrics_are_on(settings: Settings, on: bool) -> None:
    def seen() -> tuple[float, float]:
        looks = REGISTRY.get_sample_value(
            "bridge_redis_command_seconds_count", {"command": "script:registry.look"}
        )
        return REGISTRY.get_sample_value("bridge_event_loop_lag_seconds_count") or 0, looks or 0

    before = seen()
    serving(settings.model_copy(update={"metrics": on}), lambda client: asyncio.sleep(0.3))
    beats, looks = (now - then for now, then in zip(seen(), before, strict=True))
    assert (beats >= 1, looks >= 1) == (on, on)


def within_a_second(settings: Settings) -> Page:
    """What a scrape shows that has a second, starting included."""

    async def ask(client: Client) -> httpx.Response:
        async with asyncio.timeout(1):
            return await client.get("/metrics")

    return Page(serving(settings, ask).text)


def test_without_redis_a_scrape_says_so_within_a_second_and_knows_no_queues(
    settings: Settings, tmp_path: Path
) -> None:
    register(settings, "ear", "stt.cpu0")
    scrape(settings)
    page = within_a_second(nowhere(tmp_path, free_port()))

    assert page.value("bridge_redis_up") == 0
    assert not page.labels("bridge_queue_workers") + page.labels("bridge_worker_info")
    assert isnan(page.value("bridge_redis_connections") or 0)


def test_a_redis_that_hangs_holds_no_scrape(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        page = within_a_second(nowhere(tmp_path, silent.getsockname()[1]))

    assert page.value("bridge_redis_up") == 0


def test_targets_are_all_gateways_and_the_workers_that_export_something(settings: Settings) -> None:
    register(settings, "ear", "stt.gpu1", metrics="host:9101", provider="whisper", draining=True)
    register(settings, "mute", "tts.cpu0")

    async def ask(client: Client) -> object:
        others = Gateways(settings.redis_url)
        await others.tell("other", "another:8000")
        await others.close()
        answer = await client.get("/metrics/targets")
        assert answer.headers["content-type"] == "application/json"  # what http_sd_configs insists on
        return answer.json()

    worker = {"job": "worker", "worker": "ear", "stage": "stt", "device": "gpu1", "provider": "whisper"}
    found = serving(settings, ask, "gateway:8000")
    assert found == [
        {"targets": ["another:8000"], "labels": {"job": "gateway"}},
        {"targets": ["gateway:8000"], "labels": {"job": "gateway"}},
        {"targets": ["host:9101"], "labels": worker},
    ]


def test_a_gateway_tells_the_others_where_it_is_until_it_ends(settings: Settings) -> None:
    async def known() -> list[str]:
        store = Gateways(settings.redis_url)
        try:
            return await store.addresses()
        finally:
            await store.close()

    async def told(client: Client) -> list[str]:
        async with asyncio.timeout(1):
            while not await known():
                pass
        return await known()

    assert serving(settings, told, "gateway:8000") == ["gateway:8000"]
    assert asyncio.run(known()) == []
    assert serving(settings, lambda client: known()) == []
    assert fetch(settings, "/metrics/targets").json() == []


def test_without_redis_targets_are_an_error_so_that_prometheus_keeps_those_it_has(tmp_path: Path) -> None:
    answer = fetch(nowhere(tmp_path, free_port()), "/metrics/targets")

    assert (answer.status_code, answer.json()["code"]) == (503, "redis_unavailable")


class Watcher:
    """Three series that note how often the loop went round before each was asked for."""

    def __init__(self) -> None:
        self.rounds = 0
        self.seen: list[int] = []

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        for number in range(3):
            self.seen.append(self.rounds)
            yield GaugeMetricFamily(f"watched_{number}", "a series", value=number)


def test_a_scrape_holds_the_loop_for_one_series_at_a_time(settings: Settings) -> None:
    watcher = Watcher()
    REGISTRY.register(watcher)

    async def ask(client: Client) -> str:
        asked = asyncio.ensure_future(client.get("/metrics"))
        while not asked.done():
            watcher.rounds += 1
            await asyncio.sleep(0)
        return asked.result().text

    try:
        page = Page(serving(settings, ask))
    finally:
        REGISTRY.unregister(watcher)

    assert page.value("watched_2") == 2
    first, second, third = watcher.seen
    assert first < second < third
