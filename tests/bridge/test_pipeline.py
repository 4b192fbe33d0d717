"""The canvas and the choice of queues, with real Redis and, where work must run, real workers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge import topology
from bridge.errors import NoWorker, RedisUnavailable
from bridge.pipeline import Pipeline, canvas, serves
from bridge.settings import Settings
from bridge.streams import Feed, Store, WorkerRecord
from bridge.topology import Topology, WorkerEntry
from bridge.types import Event, Stage, Target, Work
from tests.stack import Stack, as_gateway

pytestmark = pytest.mark.redis

TARGETS = (Target("es"), Target("ca", "ca+f2"))
GPUS = Topology(
    tuple(
        WorkerEntry(f"{stage}-{device}", stage, device)
        for stage in ("stt", "translation", "tts")
        for device in ("gpu0", "gpu1")
    ),
    topology.load().path,
)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """A Redis in which this process, as a gateway, sends to the queues of two GPUs."""
    as_gateway(settings, GPUS)
    made = Store(settings.redis_url)
    yield made
    made.close()


@pytest.fixture
def pipeline(store: Store, settings: Settings) -> Pipeline:
    return Pipeline(store, settings)


def register(store: Store, stage: Stage, device: str, **changes: Any) -> WorkerRecord:
    pairs = (("en", "es"), ("en", "ca")) if stage == "translation" else ()
    languages = {"stt": ("en",), "translation": (), "tts": ("es", "ca")}[stage]
    values: dict[str, Any] = {"languages": languages, "pairs": pairs, "slots": 1, "provider": "p"} | changes
    made = WorkerRecord(f"{stage}-{device}", stage, device, f"{stage}.{device}", **values)
    store.register(made, 60_000)
    return made


def register_all(store: Store, *devices: str) -> None:
    for stage in ("stt", "translation", "tts"):
        for device in devices:
            register(store, stage, device)


def waiting(store: Store, queue: str) -> int:
    return int(store.client.llen(queue))


def newest(store: Store, queue: str) -> bytes:
    message = store.client.lindex(queue, 0)
    assert isinstance(message, bytes)
    return message


def test_one_transcript_feeds_a_chain_for_each_target() -> None:
    signature: Any = canvas(
        Work("alice", 1, source="en"), TARGETS, lambda stage, source, target: f"{stage}.gpu0"
    )

    transcribe, branches = signature.tasks
    assert transcribe.task == "stt.transcribe"
    assert [[task.task for task in branch.tasks] for branch in branches.tasks] == [
        ["translation.translate", "tts.synthesize"]
    ] * 2
    assert [branch.tasks[0].args for branch in branches.tasks] == [("es", None), ("ca", "ca+f2")]
    assert {task.options["queue"] for branch in branches.tasks for task in branch.tasks} == {
        "translation.gpu0",
        "tts.gpu0",
    }


def test_a_segment_goes_to_the_queue_of_a_live_worker(store: Store, pipeline: Pipeline) -> None:
    register_all(store, "gpu1")
    pipeline.submit(Work("alice", 0, source="en"), TARGETS)

    assert (waiting(store, "stt.gpu0"), waiting(store, "stt.gpu1")) == (0, 1)


def test_the_least_loaded_device_gets_the_segment(store: Store, pipeline: Pipeline) -> None:
    register_all(store, "gpu0", "gpu1")
    store.idle("stt-gpu0", 1)
    pipeline.submit(Work("alice", 0, source="en"), TARGETS)

    assert (waiting(store, "stt.gpu0"), waiting(store, "stt.gpu1")) == (0, 1)


def test_segments_spread_over_equal_devices(store: Store, pipeline: Pipeline) -> None:
    register_all(store, "gpu0", "gpu1")
    for segment in range(6):
        pipeline.submit(Work("alice", segment, source="en"), TARGETS)

    assert (waiting(store, "stt.gpu0"), waiting(store, "stt.gpu1")) == (3, 3)


def test_the_targets_of_one_segment_spread_over_equal_devices(store: Store, pipeline: Pipeline) -> None:
    register_all(store, "gpu0", "gpu1")
    route = pipeline.route()

    assert {route("translation", "en", "es"), route("translation", "en", "ca")} == {
        "translation.gpu0",
        "translation.gpu1",
    }


def test_only_a_worker_that_knows_the_language_gets_the_work(store: Store, pipeline: Pipeline) -> None:
    register_all(store, "gpu0")
    register(store, "tts", "gpu1", languages=("fr",))
    store.idle("tts-gpu0", 5)

    assert pipeline.route()("tts", "en", "es") == "tts.gpu0"


def test_a_device_whose_worker_died_gets_no_work(store: Store, pipeline: Pipeline) -> None:
    register_all(store, "gpu0", "gpu1")
    store.client.delete("worker:stt-gpu0")
    for segment in range(3):
        pipeline.submit(Work("alice", segment, source="en"), TARGETS)

    assert (waiting(store, "stt.gpu0"), waiting(store, "stt.gpu1")) == (0, 3)


def test_a_stage_without_worker_is_named(store: Store, pipeline: Pipeline) -> None:
    register(store, "stt", "gpu0")
    register(store, "translation", "gpu0")

    with pytest.raises(NoWorker, match="tts"):
        pipeline.submit(Work("alice", 0, source="en"), TARGETS)
    assert waiting(store, "stt.gpu0") == 0


def test_a_worker_that_has_just_come_is_found_at_once(store: Store, pipeline: Pipeline) -> None:
    with pytest.raises(NoWorker):
        pipeline.submit(Work("alice", 0, source="en"), TARGETS)
    register_all(store, "gpu0")
    pipeline.submit(Work("alice", 0, source="en"), TARGETS)

    assert waiting(store, "stt.gpu0") == 1


def test_what_was_read_of_the_workers_is_trusted_for_the_health_check_interval(
    store: Store, settings: Settings
) -> None:
    trusting = Pipeline(store, settings.model_copy(update={"health_check_interval": 3600.0}))
    doubting = Pipeline(store, settings.model_copy(update={"health_check_interval": 1e-9}))
    register_all(store, "gpu0")
    assert len(trusting.workers()) == len(doubting.workers()) == 3
    register_all(store, "gpu1")

    assert len(trusting.workers()) == 3
    assert len(doubting.workers()) == 6


def test_detection_is_asked_of_workers_that_detect() -> None:
    deaf = WorkerRecord("a", "stt", "cpu0", "stt.cpu0", 1, "p", languages=("en",))
    keen = WorkerRecord("b", "stt", "cpu0", "stt.cpu0", 1, "p", languages=("en",), detects=True)

    assert not serves(deaf, "stt", None, None)
    assert serves(keen, "stt", None, None)
    assert serves(deaf, "stt", "en", None)


def test_messages_are_small_and_show_no_transcript_outside_the_body(store: Store, pipeline: Pipeline) -> None:
    register_all(store, "gpu0")
    work = Work("alice", 0, source="en", target="es", text="a secret sentence")
    pipeline.resubmit(work, "translation")
    message = json.loads(newest(store, "translation.gpu0"))

    assert "secret" not in json.dumps(message["headers"])
    pipeline.submit(Work("alice", 1, source="en", audio="audio:alice:1:0"), TARGETS)
    assert len(newest(store, "stt.gpu0")) < 6_000


def test_redis_that_is_away_is_an_error_at_once(settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    as_gateway(away, GPUS)
    start = time.monotonic()
    with pytest.raises(RedisUnavailable):
        Pipeline(Store(away.redis_url), away).submit(Work("alice", 0, source="en"), TARGETS)

    assert time.monotonic() - start < 2


async def collect(url: str, session: str, enough: Callable[[list[Event]], bool]) -> list[Event]:
    feed, after = Feed(url, "test"), "0-0"
    events: list[Event] = []
    async with asyncio.timeout(20):
        while not enough(events):
            for _, entry, event in await feed.read({session: after}):
                after = entry
                events += [event] if event is not None else []
    await feed.close()
    return events


@pytest.mark.e2e
def test_a_segment_runs_through_three_workers_and_reports_each_step(simulated: Stack) -> None:
    settings = Settings.read(redis_url=simulated.redis.url)
    as_gateway(settings, topology.load())
    store = Store(settings.redis_url)
    store.keep({"alice": 0}, 60)
    key = store.put_audio("alice", 0, 0, bytes(32_000), 60)
    work = Work("alice", 0, source="en", audio=key, rate=16_000, deadline=time.time() + 30)
    Pipeline(store, settings).submit(work, (Target("es"), Target("fr")))
    events = asyncio.run(
        collect(settings.redis_url, "alice", lambda found: sum(event.kind == "done" for event in found) == 2)
    )
    store.close_session("alice")
    store.close()

    texts = {(event.stage, event.target): event.text for event in events if event.kind == "text"}
    assert texts["stt", None].startswith("simulated")
    assert texts["translation", "es"] == f"[es] {texts['stt', None]}"
    assert texts["translation", "fr"] == f"[fr] {texts['stt', None]}"
    for target in ("es", "fr"):
        pieces = [event for event in events if event.kind == "audio" and event.target == target]
        (done,) = [event for event in events if event.kind == "done" and event.target == target]
        assert [piece.index for piece in pieces] == list(range(done.index))
        assert sum(len(piece.pcm) for piece in pieces) == done.offset * 2 > 0
        assert {piece.rate for piece in pieces} == {16_000}
    assert [event.kind for event in events if event.stage == "stt"] == ["started", "text"]
