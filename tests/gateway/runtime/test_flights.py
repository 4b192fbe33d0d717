"""What becomes of the records of segments: counted, kept, and not waited for."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from bridge.settings import Settings
from bridge.store.flights import Reader, Tape
from bridge.types import Ear, Flight
from gateway.core.effects import SpeechBegins
from gateway.core.timings import Origin
from gateway.runtime import flights as module
from gateway.runtime.flights import Flights
from gateway.runtime.waits import KEPT, Waits
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.scene import SENTENCE, Scene, play
from tests.stack import RedisProcess

FLIGHT = Flight("ada", 0, 1e9, 2e3, 5e2, 1e2, "en", "heard", {"es": "heard"}, (), 2, 1, ("stt", "tts", "tts"))
ORIGIN = Origin("ada", 0, 100.0, 100.5)


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Change:
    """By how much series grew since it was made."""

    def __init__(self, *series: tuple[str, dict[str, str]]) -> None:
        self._series = series
        self._before = [value(name, **labels) for name, labels in series]

    def __call__(self) -> list[float]:
        now = [value(name, **labels) for name, labels in self._series]
        return [round(after - before, 6) for after, before in zip(now, self._before, strict=True)]


def test_a_record_is_counted_by_what_became_of_its_segment_and_its_drafts() -> None:
    grown = Change(
        ("bridge_segments_total", {"outcome": "heard"}),
        ("bridge_redispatches_total", {"stage": "tts"}),
        ("bridge_redispatches_total", {"stage": "translation"}),
        ("bridge_drafts_total", {"outcome": "promoted"}),
        ("bridge_drafts_total", {"outcome": "dropped"}),
        ("bridge_drafts_total", {"outcome": "unsent"}),
        ("bridge_endpoint_seconds_sum", {}),
    )
    Flights(None).record(FLIGHT)

    assert grown() == [1, 2, 0, 1, 2, 1, 0.5]


def test_nobody_waits_for_a_recording_as_for_a_speaker() -> None:
    grown = Change(
        ("bridge_first_audio_seconds_count", {"target": "es"}), ("bridge_endpoint_seconds_count", {})
    )
    Flights(None).record(replace(FLIGHT, recorded=True))
    Flights(None).left(replace(ORIGIN, recorded=True), "es", 130.0)

    assert grown() == [0, 0]


def heard(kind: str, now: float, ms: float = 0.0) -> list[float]:
    """What grew when a listener got to hear a sentence."""
    grown = Change(
        ("bridge_first_audio_seconds_sum", {"target": "es"}),
        ("bridge_segment_latency_seconds_sum", {"target": "es"}),
        ("bridge_ear_latency_seconds_sum", {}),
    )
    clock = [100.625]
    waits = Waits(Flights(None), lambda: clock[0])
    waits.begins(SpeechBegins(0, "es", 0, 24_000, origin=ORIGIN))
    waits.left(0, 0)
    waits.left(0, 0)
    clock[0] = now
    if kind == "played":
        waits.played(0, ms)
        waits.played(0, ms + 500)
    return grown()


def test_a_listener_waits_from_the_end_of_speech_until_its_first_frame_leaves() -> None:
    assert heard("left", 100.625) == [0.625, 0.125, 0.0]


def test_what_was_heard_when_the_mark_was_sent_began_so_much_earlier() -> None:
    assert heard("played", 100.95, 250.0) == [0.625, 0.125, 0.7]


def test_speech_that_never_leaves_is_not_kept_for_ever() -> None:
    waits = Waits(Flights(None), lambda: 0.0)
    for segment in range(10 * KEPT):
        waits.begins(SpeechBegins(segment, "es", 0, 24_000, origin=ORIGIN))
        waits.left(segment, 0) if segment % 2 else None

    assert len(waits._coming) <= KEPT
    assert len(waits._unplayed) <= KEPT


@pytest.mark.redis
def test_of_many_listeners_one_stands_for_all_on_the_tape(redis_server: RedisProcess) -> None:
    async def run() -> None:
        made = Flights(Tape(redis_server.url, 60, 10))
        made.record(FLIGHT)
        for listener in range(50):
            made.left(ORIGIN, "es", 100.6 + listener)
            made.played(ORIGIN, "es", 100.7 + listener)
        await made.stop()

    asyncio.run(run())
    reader = Reader(redis_server.url)
    assert reader.lines("ada")[0] == [
        FLIGHT,
        Ear("ada", 0, "es", "left", 600.0),
        Ear("ada", 0, "es", "played", 700.0),
    ]
    reader.close()


@pytest.mark.redis
def test_records_wait_for_a_redis_that_is_away_but_not_without_end(
    redis_server: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING", 3)
    monkeypatch.setattr(module, "WRITE_SECONDS", 0.01)

    async def run() -> None:
        away = Tape("redis://127.0.0.1:1/0", 60, 10)
        made = Flights(away)
        for segment in range(9):
            made.record(replace(FLIGHT, segment=segment))
        await asyncio.sleep(0.1)
        made._tape = Tape(redis_server.url, 60, 10)
        await made.stop()
        await away.close()

    asyncio.run(run())
    reader = Reader(redis_server.url)
    assert [line.segment for line in reader.lines("ada")[0]] == [6, 7, 8]
    reader.close()


@pytest.mark.redis
@pytest.mark.parametrize("kept", [True, False])
def test_a_session_is_recorded_by_the_gateway_that_holds_it(settings: Settings, kept: bool) -> None:
    async def scene(it: Scene) -> None:
        grown = Change(("bridge_segments_total", {"outcome": "heard"}))
        runner, _ = await it.session()
        runner.audio(SENTENCE)
        await until(lambda: it.client.llen("stt.cpu0") == 1)
        it.work(runner, 0)
        await until(lambda: grown() == [1])
        await it.backend.flights.stop()
        reader = Reader(settings.redis_url)
        assert [type(line) for line in reader.lines(runner.id)[0]] == ([Flight] if kept else [])
        reader.close()

    play(settings, scene, flight_seconds=60 if kept else 0)


@pytest.mark.redis
def test_no_more_is_kept_of_a_session_than_wanted(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        for segment in range(9):
            it.backend.flights.record(replace(FLIGHT, segment=segment))
        await it.backend.flights.stop()
        reader = Reader(settings.redis_url)
        assert [line.segment for line in reader.lines("ada")[0]] == [6, 7, 8]
        reader.close()

    play(settings, scene, flight_segments=1)
