"""Segments of several speakers at once: workers and batches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bridge import providers
from bridge.providers.stt.faster_whisper import FasterWhisper
from bridge.settings import Settings
from bridge.store.registry import Registry, WorkerRecord
from bridge.types import Audio, Speech
from tests.bridge.providers.stt.recorded import (
    PHRASE,
    SPANISH_VOICE,
    Build,
    Endless,
    held,
    no_text,
    spoken,
)
from tests.models.phrases import ENGLISH, SPANISH
from tests.stack import Processes, wait_until

pytestmark = pytest.mark.provider


def test_four_threads_get_what_one_gets_with_and_without_batches(
    whisper: FasterWhisper, build: Build
) -> None:
    sounds = [spoken(text) for text in ENGLISH[3:7]]
    alone = [whisper.transcribe(Speech(sound, "en")).text for sound in sounds]
    for options in (
        {"stt_num_workers": 2},
        {"stt_batch_size": 4},
        {"stt_num_workers": 2, "stt_batch_size": 2},
    ):
        provider = build(**options)
        with ThreadPoolExecutor(4) as pool:
            assert [
                each.text for each in pool.map(provider.transcribe, map(heard_in_english, sounds))
            ] == alone


def heard_in_english(sound: Audio) -> Speech:
    return Speech(sound, "en")


def test_segments_that_wait_for_a_busy_model_share_one_run(build: Build) -> None:
    asked = [Speech(spoken(PHRASE), "en"), Speech(spoken(SPANISH[1], SPANISH_VOICE)), Speech(spoken(PHRASE))]
    for size, runs in ((3, [1, 3]), (1, [1, 1, 1, 1])):
        provider = build(stt_batch_size=size)
        engine = held(provider)
        with ThreadPoolExecutor(4) as pool:
            first = pool.submit(provider.transcribe, asked[0])
            assert engine.entered.wait(10)
            found = [pool.submit(provider.transcribe, speech) for speech in asked]
            wait_until(lambda: provider._batcher.waiting == 3, 10, "the others wait")  # noqa: B023
            engine.free.set()
        assert [each.result().text for each in (first, *found)] == [PHRASE, PHRASE, SPANISH[1], PHRASE]
        assert [each.result().language for each in found] == ["en", "es", "en"]
        assert [shape[0] for shape in engine.encoded] == runs


@pytest.mark.parametrize(("workers", "order"), [(1, ["long", "short"]), (2, ["short", "long"])])
def test_second_worker_serves_a_segment_while_the_first_is_busy_with_another(
    build: Build, workers: int, order: list[str]
) -> None:
    provider = build(stt_num_workers=workers, stt_cpu_threads=1)
    with provider._lease() as whisper:
        engine = whisper.model.model = Endless(whisper.model.model, no_text(whisper))
    ended: list[str] = []
    speech = Speech(spoken(PHRASE), "en")

    def transcribe(name: str) -> None:
        provider.transcribe(speech)
        ended.append(name)

    with ThreadPoolExecutor(2) as pool:
        long = pool.submit(transcribe, "long")
        assert engine.entered.wait(10)
        short = pool.submit(transcribe, "short")
        long.result(10)
        short.result(10)
    assert ended == order


@pytest.mark.parametrize(
    ("options", "slots"), [({}, 1), ({"stt_num_workers": 3}, 3), ({"stt_batch_size": 4}, 8)]
)
def test_it_asks_for_as_many_threads_as_it_can_use(build: Build, options: dict[str, Any], slots: int) -> None:
    assert providers.slots(build(**options)) == slots


@pytest.fixture
def worker(processes: Processes, settings: Settings, tiny_whisper: Path, tmp_path: Path) -> WorkerRecord:
    """What a worker with one thread in the topology and batches of two tells of itself."""
    topology = tmp_path / "one.toml"
    topology.write_text('[[worker]]\nname = "ear"\nstage = "stt"\ndevice = "cpu0"\nconcurrency = 1\n')
    processes.start(
        *("worker", "ear"),
        TOPOLOGY=str(topology),
        STT_PROVIDER="faster_whisper",
        STT_MODEL_SIZE=str(tiny_whisper),
        STT_BATCH_SIZE="2",
    )
    registry = Registry(settings.redis_url)
    wait_until(lambda: bool(registry.workers()), 60, "the worker is registered")
    (record,) = registry.workers()
    registry.close()
    return record


@pytest.mark.redis
@pytest.mark.e2e
def test_worker_takes_what_its_engine_can_use_whatever_its_concurrency(worker: WorkerRecord) -> None:
    assert worker.slots == 4
