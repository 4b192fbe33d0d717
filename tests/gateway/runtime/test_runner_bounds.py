"""What bounds a session: how much may wait, how long its journal is kept, how soon lost workers are known."""

from __future__ import annotations

import asyncio
import time

import pytest

from bridge.settings import Settings
from bridge.store.registry import Registry
from bridge.types import SPEECH_RATE, Entry, Event
from gateway.core import effects, inputs
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.scene import SENTENCE, Scene, play

pytestmark = pytest.mark.redis


def test_beyond_the_seconds_ahead_the_client_is_held_until_half_of_them_is_cut(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        runner.audio(SENTENCE)
        await until(lambda: it.client.llen("stt.cpu0") == 1)  # the session has no room for another segment
        runner.audio(bytes(SPEECH_RATE * 2 * 2))
        assert mouth.holds == []
        runner.audio(bytes(SPEECH_RATE * 2 * 2))
        assert mouth.holds == [True]
        it.work(runner, 0)
        await until(lambda: mouth.holds == [True, False])

    play(settings, scene, session_ahead_seconds=3.0, session_max_segments=1)


def test_what_is_no_audio_has_a_bound_too(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        runner.audio(SENTENCE)
        await until(lambda: it.client.llen("stt.cpu0") == 1)
        assert mouth.holds == []
        for _ in range(300):
            runner.ordered(inputs.Commit())
        assert mouth.holds == [True]

    play(settings, scene, session_ahead_seconds=3.0, session_max_segments=1)


def test_wishes_count_at_once_however_much_audio_waits(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        runner.audio(SENTENCE * 20)
        since = time.monotonic()
        number = runner.handle(inputs.Stop())
        assert number is not None
        await until(lambda: mouth.of(effects.Obeyed) != [])
        assert time.monotonic() - since < 1
        (obeyed,) = mouth.of(effects.Obeyed)
        assert (obeyed.kind, obeyed.number) == ("stopped", number)
        assert mouth.purged

    play(settings, scene, session_max_segments=1)


def test_who_does_not_read_is_given_nothing_more_until_he_does(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        runner, mouth = await it.session()
        mouth.stuffed = True
        runner.audio(SENTENCE)
        await asyncio.sleep(0.1)
        assert mouth.said == []
        mouth.stuffed = False
        runner.pump()
        await until(lambda: mouth.of(effects.SpeechStopped) != [])

    play(settings, scene)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(("bound", "least", "most"), [(100_000, 1, 5), (1_000_000, 13, 13)])
def test_a_journal_holds_as_many_bytes_as_the_variable_says(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, bound: int, least: int, most: int
) -> None:
    """JOURNAL_MAX_BYTES: of twelve times 20 kB the newest stay."""

    async def scene(it: Scene) -> None:
        runner, _ = await it.session()
        heard: list[Entry] = []
        monkeypatch.setattr(runner.hall, "deliver", heard.append)
        for index in range(12):
            it.desk.emit(runner.id, Event("audio", "tts", runner.id, 9, index=index, pcm=bytes(20_000)))
        await until(lambda: len(heard) == 13)
        await until(lambda: least <= it.client.xlen(f"journal:{runner.id}") <= most)

    play(settings, scene, journal_max_bytes=bound)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(("seconds", "left"), [(1, 0), (60, 2)])
def test_a_journal_is_kept_as_long_as_the_variable_says(settings: Settings, seconds: int, left: int) -> None:
    """JOURNAL_SECONDS."""

    async def scene(it: Scene) -> None:
        runner, _ = await it.session()
        it.desk.emit(runner.id, Event("audio", "tts", runner.id, 9, pcm=bytes(2)))
        await until(lambda: it.client.xlen(f"journal:{runner.id}") == 2)
        await asyncio.sleep(1.2)
        assert it.client.xlen(f"journal:{runner.id}") == left

    play(settings, scene, journal_seconds=seconds)


def test_workers_are_looked_at_as_often_as_the_variable_says(settings: Settings) -> None:
    """HEALTH_CHECK_INTERVAL: how soon a gateway knows that a worker is gone."""

    def noticing(interval: float) -> float:
        seconds = [0.0]

        async def scene(it: Scene) -> None:
            registry = Registry(settings.redis_url)
            registry.unregister("stt-cpu0")
            registry.close()
            seconds[0] = await until(lambda: len(it.backend.fleet.workers) == 2)

        play(settings, scene, health_check_interval=interval)
        return seconds[0]

    assert noticing(0.02) < 0.5
    assert noticing(1.5) > 0.7
