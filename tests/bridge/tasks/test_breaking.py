"""Workers that share the breakers of their providers: a vendor that is down, and is well again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from bridge.errors import VendorError
from bridge.providers.call import Call, begun
from bridge.settings import Settings
from bridge.store import keys
from bridge.store.breakers import Breakers
from bridge.store.cache import Cache
from bridge.store.registry import Registry, WorkerRecord
from bridge.tasks.boot import engine_of
from bridge.tasks.shown import card
from bridge.types import Phrase
from tests.bridge.providers.vendors import openai
from tests.bridge.providers.vendors.server import said
from tests.stack import RedisProcess, free_port

pytestmark = pytest.mark.redis

PHRASE = Phrase("Good morning.", "en", "es")
RECORD = WorkerRecord("w", "translation", "cpu0", "translation.cpu0", 1, "openai,simulated")


class Worker:
    """Translates with a vendor, and where that fails without it."""

    def __init__(self, url: str) -> None:
        settings = Settings.read(
            redis_url=url, cache_enabled=False, warmup=False, circuit_breaker_threshold=3
        )
        self.breakers, cache = Breakers(url, "translation", settings), Cache(url)
        self._provider = engine_of("translation", RECORD.provider, settings, cache, breaker=self.breakers)
        cache.close()

    def translate(self) -> str:
        """Who did it."""
        with begun(Call()) as call:
            self._provider.translate(PHRASE)
        return call.provider

    def close(self) -> None:
        self._provider.close()
        self.breakers.close()


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[openai.OpenAi]:
    made = openai.OpenAi()
    with made.running():
        monkeypatch.setenv("OPENAI_API_KEY", openai.KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", made.url)
        monkeypatch.setenv("OPENAI_PATIENCE_MS", "0")
        monkeypatch.setenv("SIMULATED_TRANSLATION_MS", "0")
        yield made


@pytest.fixture
def crew(redis_server: RedisProcess, vendor: openai.OpenAi) -> Iterator[list[Worker]]:
    made = [Worker(redis_server.url) for _ in range(2)]
    yield made
    for each in made:
        each.close()


def after(url: str, seconds: float) -> None:
    """So many seconds pass for the breaker of the vendor."""
    with closing(Registry(url)) as registry:
        raw: Any = registry.client.hget(keys.BREAKERS, "translation/openai")
        kept = json.loads(raw)
        registry.client.hset(
            keys.BREAKERS, "translation/openai", json.dumps(kept | {"till": kept["till"] - seconds})
        )


def test_a_vendor_that_is_down_is_asked_by_nobody_until_one_of_the_fleet_finds_it_well(
    crew: list[Worker], vendor: openai.OpenAi, redis_server: RedisProcess
) -> None:
    one, other = crew
    vendor.troubles += [said({}, 500)] * 4
    assert [each.translate() for each in (one, other, one)] == ["simulated"] * 3
    assert len(vendor.asked) == 3
    assert [each.translate() for each in (one, other) * 5] == ["simulated"] * 10
    assert len(vendor.asked) == 3

    after(redis_server.url, 10)
    assert [each.translate() for each in (one, other) * 5] == ["simulated"] * 10
    assert len(vendor.asked) == 4  # one segment burned

    after(redis_server.url, 20)
    assert [each.translate() for each in (other, one) * 2] == ["openai"] * 4


def test_a_quota_that_is_over_burns_one_segment_of_the_fleet(
    crew: list[Worker], vendor: openai.OpenAi
) -> None:
    vendor.troubles.append(said({"error": {"code": "insufficient_quota"}}, 429))
    assert [each.translate() for each in crew * 5] == ["simulated"] * 10
    assert len(vendor.asked) == 1


def test_the_card_that_flower_shows_says_how_the_breakers_stand(redis_server: RedisProcess) -> None:
    class Engine:
        def resident(self) -> tuple[str, ...]:
            return ()

    def told(url: str) -> Any:
        with closing(Registry(url)) as registry:
            shown: Any = card(RECORD, Engine(), registry)(None)
            return shown.info(None)["breakers"]

    assert told(redis_server.url) == "openai closed, simulated closed"
    with closing(Breakers(redis_server.url, "translation", Settings.read())) as breakers:
        breakers.failed("openai", VendorError("No.", code="auth"))
    assert told(redis_server.url) == "openai open for 300 s more: auth, simulated closed"
    assert told(f"redis://127.0.0.1:{free_port()}/0").startswith("not known: Redis at")
