"""The gateway's pages about itself, with and without what stands behind it."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.errors import VendorError
from bridge.settings import Settings
from bridge.store.breakers import Breakers
from bridge.store.registry import Registry, WorkerRecord
from bridge.types import STAGES
from gateway.app import create_app
from tests.stack import Processes, RedisProcess, free_port, status, wait_until

pytestmark = pytest.mark.redis

TOKEN = "a-secret-word"


def fetch(settings: Settings, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    """The answer of an application that was started for it."""

    async def run() -> httpx.Response:
        app = create_app(settings, set())
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client,
        ):
            return await client.request(method, path, headers=headers)

    return asyncio.run(run())


def nowhere(tmp_path: Path) -> Settings:
    """Settings with a Redis that does not run."""
    return Settings.read(redis_url=f"redis://:{TOKEN}@127.0.0.1:{free_port()}/0", data_dir=tmp_path)


def register(settings: Settings, **changes: Any) -> None:
    """One worker for each stage, as their heartbeats would write them."""
    registry = Registry(settings.redis_url)
    for stage in STAGES:
        record = WorkerRecord(
            f"{stage}-cpu0",
            stage,
            "cpu0",
            f"{stage}.cpu0",
            1,
            **{"provider": "engine"} | changes,
            languages=("ar", "en", "es"),
            pairs=(("en", "es"), ("en", "ar"), ("en", "fr"), ("en", "en")),
        )
        registry.register(record, 60_000)
    registry.close()


def test_alive_means_that_the_loop_answers(tmp_path: Path) -> None:
    answer = fetch(nowhere(tmp_path), "/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "pid": os.getpid()})


def test_without_redis_it_starts_and_says_soon_what_is_missing(tmp_path: Path) -> None:
    since = time.monotonic()
    answer = fetch(nowhere(tmp_path), "/readyz")

    assert time.monotonic() - since < 3
    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert "does not answer" in answer.json()["redis"]
    assert "REDIS_URL" in answer.json()["hint"]
    assert TOKEN not in answer.text


@pytest.mark.slow
def test_a_redis_that_hangs_is_told_within_seconds(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"

        async def run() -> tuple[float, int]:
            app = create_app(Settings.read(redis_url=url, data_dir=tmp_path), set())
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client,
            ):
                since = time.monotonic()
                answer = await client.get("/readyz")
                return time.monotonic() - since, answer.status_code

        seconds, status = asyncio.run(run())

    assert status == 503
    assert seconds < 4


def test_without_workers_it_is_not_ready_and_names_the_stages(settings: Settings) -> None:
    answer = fetch(settings, "/readyz")

    assert answer.status_code == 503
    stages = ["stt", "translation", "tts"]
    slots = dict.fromkeys(stages, 0)
    missing = {"ready": False, "redis": "ok", "missing": stages, "slots": slots, "breakers": {}}
    assert answer.json() == missing


def test_with_a_worker_for_each_stage_it_is_ready_and_tells_their_slots(settings: Settings) -> None:
    register(settings)
    answer = fetch(settings, "/readyz")

    slots = {"stt": 1, "translation": 1, "tts": 1}
    ready = {"ready": True, "redis": "ok", "missing": [], "slots": slots}
    closed = {stage: {"engine": {"state": "closed"}} for stage in STAGES}
    assert (answer.status_code, answer.json()) == (200, ready | {"breakers": closed})


def test_a_provider_that_nobody_asks_is_told_with_the_reason_and_the_time(settings: Settings) -> None:
    register(settings, provider="deepl,apertium")
    with closing(Breakers(settings.redis_url, "translation", settings)) as breakers:
        breakers.failed("deepl", VendorError("No.", code="rate_limited", retry_after_ms=90_000))
    answer = fetch(settings, "/readyz")

    told = answer.json()["breakers"]["translation"]
    assert answer.status_code == 200
    assert told["apertium"] == {"state": "closed"}
    assert (told["deepl"]["state"], told["deepl"]["code"]) == ("open", "rate_limited")
    assert 80 < told["deepl"]["left_s"] <= 90
    assert abs(datetime.fromisoformat(told["deepl"]["since"]).timestamp() - time.time()) < 5
    assert told["deepl"]["hint"]


def test_hosts_whose_clock_is_wrong_are_told_and_it_is_ready_all_the_same(settings: Settings) -> None:
    register(settings, host="tower", ahead_ms=120_300.0)
    answer = fetch(settings, "/readyz")

    assert (answer.status_code, answer.json()["clocks"]) == (200, {"tower": 120.3})


def test_the_languages_are_those_that_can_be_heard_now(settings: Settings) -> None:
    assert fetch(settings, "/v1/languages").json() == {"detects": False, "pairs": [], "languages": []}
    register(settings)

    assert fetch(settings, "/v1/languages").json() == {
        "detects": False,
        "pairs": [
            {"source": "en", "target": "ar"},
            {"source": "en", "target": "en", "as_spoken": True},
            {"source": "en", "target": "es"},
        ],
        "languages": [
            {"tag": "ar", "name": "Arabic", "rtl": True},
            {"tag": "en", "name": "English", "rtl": False},
            {"tag": "es", "name": "Spanish", "rtl": False},
        ],
    }


def test_without_redis_the_languages_are_an_error_with_a_remedy(tmp_path: Path) -> None:
    answer = fetch(nowhere(tmp_path), "/v1/languages")

    assert answer.status_code == 503
    assert answer.json()["code"] == "redis_unavailable"
    assert "REDIS_URL" in answer.json()["hint"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/languages", "/", "/captions", "/web/main.js"])
def test_load_balancers_may_ask_for_the_head_alone(settings: Settings, path: str) -> None:
    register(settings)
    answer = fetch(settings, path, "HEAD")

    assert (answer.status_code, answer.text) == (200, "")


def test_pages_of_the_named_origins_may_read_the_answers_and_others_may_not(settings: Settings) -> None:
    settings = settings.model_copy(
        update={"ws_origins": "https://Talk.example.org:443/, http://b.example:81"}
    )

    def allowed(origin: str, path: str = "/v1/languages") -> object:
        return fetch(settings, path, origin=origin).headers.get("access-control-allow-origin")

    assert allowed("https://talk.example.org") == "https://talk.example.org"
    assert allowed("http://b.example:81", "/readyz") == "http://b.example:81"
    assert allowed("https://b.example:81") is None
    assert allowed("https://talk.example.org", "/metrics/targets") is None
    assert allowed("https://talk.example.org.evil.example") is None
    assert "origin" in fetch(settings, "/healthz", origin="https://talk.example.org").headers["vary"].lower()


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/nothing"])
def test_pages_that_do_not_exist_are_not_found(settings: Settings, path: str) -> None:
    assert fetch(settings, path).status_code == 404


@pytest.mark.e2e
def test_a_port_in_use_is_named_and_ends_the_gateway_with_code_1(processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        gateway = processes.start("gateway", "--port", str(port))
        assert gateway.wait(20) == 1

    assert f"127.0.0.1:{port}" in processes.output()
    assert "Address already in use" in processes.output()
    assert "PORT" in processes.output()
    assert "Traceback" not in processes.output()


@pytest.mark.e2e
def test_a_gateway_serves_until_it_is_told_to_stop(processes: Processes, redis_server: RedisProcess) -> None:
    port = free_port()
    gateway = processes.start("gateway", "--port", str(port))
    wait_until(lambda: status(port, "/healthz") == 200, 20, "the gateway answers")
    assert status(port, "/readyz") == 503
    gateway.terminate()
    assert gateway.wait(10) == 0
