"""A worker with a list of providers, of which the first is a vendor in trouble; real HTTP, real Redis."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery.exceptions import Ignore
from structlog.testing import capture_logs

from bridge.settings import Settings
from bridge.store.cache import Cache
from bridge.store.registry import WorkerRecord
from bridge.tasks.boot import engine_of
from bridge.tasks.measures import Measures
from bridge.tasks.run import Runtime
from bridge.tasks.stt import transcribe
from bridge.tasks.translation import translate
from bridge.tasks.tts import synthesize
from bridge.types import Stage, Work
from tests.bridge.metrics.grown import Grown
from tests.bridge.providers.vendors import openai
from tests.bridge.providers.vendors.server import Answer, said
from tests.bridge.rooms import Room

pytestmark = pytest.mark.redis

WORK = Work("alice", 0, "room", source="en", target="es", text="Good morning.")
TROUBLES = {
    "timeout": Answer(late=True),
    "unavailable": said({}, 503),
    "auth": said({}, 401),
    "quota": said({"error": {"code": "insufficient_quota"}}, 429),
    "bad_answer": Answer(b"<html>?</html>"),
}


@pytest.fixture
def vendor(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[openai.OpenAi]:
    made = openai.OpenAi()
    with made.running():
        monkeypatch.setenv("OPENAI_API_KEY", openai.KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", made.url)
        for stage in ("STT", "TRANSLATION", "TTS"):
            monkeypatch.setenv(f"SIMULATED_{stage}_MS", "0")
        yield made
        if runtime.provider is not None:
            runtime.provider.close()


def serve(runtime: Runtime, stage: Stage, names: str = "openai,simulated", **flags: Any) -> float:
    """Makes this process a worker of the stage; how long its engines took to be ready."""
    since = time.monotonic()
    cache = Cache(runtime.desk.url)
    settings = Settings.read(**{"warmup": False, "cache_enabled": False, "fallback_ms": 300} | flags)
    runtime.provider, runtime.named = engine_of(stage, names, settings, cache), names
    measures = Measures(WorkerRecord("w", stage, "cpu0", f"{stage}.cpu0", 1, names), runtime)
    runtime.over = measures.over
    cache.close()
    return time.monotonic() - since


def work(room: Room, stage: Stage, attempt: int = 0) -> None:
    """One piece of work through the stage's own task."""
    message = WORK.but(attempt=attempt).message()
    try:
        if stage == "stt":
            room.client.set("speech", bytes(32_000))
            transcribe(message | {"audio": "speech"})
        elif stage == "translation":
            translate(message, "es", None)
        else:
            synthesize(message)
    except Ignore:
        pass


@pytest.mark.parametrize("code", TROUBLES)
@pytest.mark.parametrize("stage", ["stt", "translation", "tts"])
def test_the_next_provider_does_the_work_and_the_result_says_who_did_it(
    runtime: Runtime, room: Room, vendor: openai.OpenAi, stage: Stage, code: str
) -> None:
    grown = Grown()
    serve(runtime, stage)
    vendor.troubles.append(TROUBLES[code])
    work(room, stage)

    results = [event for event in room.events() if event.kind in ("text", "audio")]
    assert {event.provider for event in results} == {"simulated"}
    assert not [event for event in room.events() if event.kind == "failed"]
    assert (
        grown("bridge_fallbacks_total", provider="openai", reason=code)
        == grown("bridge_fallbacks_total")
        == 1
    )
    assert grown("bridge_stage_first_result_seconds_count", provider="simulated") == 1


def test_a_vendor_that_works_does_all_of_it(runtime: Runtime, room: Room, vendor: openai.OpenAi) -> None:
    grown = Grown()
    serve(runtime, "translation")
    work(room, "translation")
    assert [(event.text, event.provider) for event in room.events() if event.text] == [
        ("~Good morning.~", "openai")
    ]
    assert grown("bridge_fallbacks_total") == 0


def test_the_variable_says_how_long_the_first_one_is_waited_for(
    runtime: Runtime, room: Room, vendor: openai.OpenAi
) -> None:
    """FALLBACK_MS."""
    took = {}
    for attempt, milliseconds in enumerate((100, 700)):
        serve(runtime, "translation", fallback_ms=milliseconds)
        vendor.troubles.append(Answer(late=True))
        since = time.monotonic()
        work(room, "translation", attempt)
        took[milliseconds] = (time.monotonic() - since) * 1000
        runtime.provider.close()
    assert 100 <= took[100] < 600 < 700 <= took[700]


def test_speech_that_breaks_off_fails_and_names_who_is_not_asked_first_again(
    runtime: Runtime, room: Room, vendor: openai.OpenAi
) -> None:
    grown = Grown()
    serve(runtime, "tts")
    vendor.troubles.append(Answer(b"\1\2" * 20_000, breaks=9_600))
    work(room, "tts")
    failed = room.events()[-1]
    assert (failed.kind, failed.provider, failed.retryable) == ("failed", "openai", True)
    assert any(event.pcm for event in room.events())

    asked = len(vendor.asked)
    with pytest.raises(Ignore):
        synthesize(WORK.but(attempt=1, avoid="openai").message())
    assert room.events()[-1].kind == "done" and room.events()[-1].provider == "simulated"
    assert len(vendor.asked) == asked
    assert grown("bridge_fallbacks_total", provider="openai", reason="broke_off") == 1


def test_a_wrong_key_is_told_at_the_start_and_ends_no_worker(runtime: Runtime, vendor: openai.OpenAi) -> None:
    vendor.troubles.append(said({"error": {"code": "invalid_api_key"}}, 401))
    with capture_logs() as lines:
        serve(runtime, "translation", names="openai", warmup=True)
    [line] = [line for line in lines if line["event"] == "warm-up failed"]
    assert (line["log_level"], line["code"]) == ("error", "auth")
    assert "OPENAI_API_KEY" in line["hint"] and openai.KEY not in str(lines)
