"""The canvas, with real Redis and, where work must run, real workers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from bridge import pipeline, topology
from bridge.errors import RedisUnavailable
from bridge.pipeline import canvas, send
from bridge.placement import Place
from bridge.settings import Settings
from bridge.store.journal import BEGIN, Journal
from bridge.store.sessions import Sessions
from bridge.topology import Topology, WorkerEntry
from bridge.types import Event, Stage, Target, Work
from tests.stack import RedisProcess, Stack, as_gateway

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


def plan(device: str = "gpu0", *targets: str) -> dict[Place, str]:
    places: list[Place] = [("stt", None)]
    for target in targets or ("es", "ca"):
        places += [("translation", target), ("tts", target)]
    return {place: f"{place[0]}.{device}" for place in places}


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    """A Redis in which this process, as a gateway, sends to the queues of two GPUs."""
    as_gateway(settings, GPUS)
    made = redis.Redis.from_url(settings.redis_url)
    yield made
    made.close()


def newest(client: redis.Redis, queue: str) -> bytes:
    message: Any = client.lindex(queue, 0)
    assert isinstance(message, bytes)
    return message


def test_one_transcript_feeds_a_chain_for_each_target() -> None:
    signature: Any = canvas(Work("alice", 1, source="en"), TARGETS, plan())

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


def test_a_target_whose_speech_is_left_out_ends_with_its_translation() -> None:
    words = {place: queue for place, queue in plan().items() if place != ("tts", "es")}
    signature: Any = canvas(Work("alice", 1, source="en"), TARGETS, words)

    spanish, catalan = signature.tasks[1].tasks
    assert spanish.task == "translation.translate"
    assert [task.task for task in catalan.tasks] == ["translation.translate", "tts.synthesize"]


def test_each_piece_goes_where_the_plan_says() -> None:
    divided = plan() | {("translation", "ca"): "translation.gpu1", ("tts", "es"): "tts.gpu1"}
    signature: Any = canvas(Work("alice", 1, source="en"), TARGETS, divided)

    _, branches = signature.tasks
    assert [[task.options["queue"] for task in branch.tasks] for branch in branches.tasks] == [
        ["translation.gpu0", "tts.gpu1"],
        ["translation.gpu1", "tts.gpu0"],
    ]


def test_a_segment_goes_to_the_queue_of_its_plan(client: redis.Redis) -> None:
    send(Work("alice", 0, source="en"), "stt", TARGETS, plan("gpu1"))

    assert (client.llen("stt.gpu0"), client.llen("stt.gpu1")) == (0, 1)


def test_speech_that_is_sent_again_skips_the_stages_before(client: redis.Redis) -> None:
    work = Work("alice", 0, source="en", target="es", text="hola", sentence=2, attempt=1)
    send(work, "tts", (), plan("gpu0", "es"))

    assert client.llen("tts.gpu0") == 1
    assert client.keys("*stt*") == client.keys("*translation*") == []


def test_a_translation_that_is_sent_again_keeps_its_voice(client: redis.Redis) -> None:
    work = Work("alice", 0, source="en", target="ca", voice="ca+f2", text="go")
    signature: Any = pipeline.rest(work, "translation", plan("gpu1", "ca"))

    assert [task.task for task in signature.tasks] == ["translation.translate", "tts.synthesize"]
    assert signature.tasks[0].args[1:] == ("ca", "ca+f2")


def test_messages_are_small_and_show_no_transcript_outside_the_body(client: redis.Redis) -> None:
    work = Work("alice", 0, source="en", target="es", text="a secret sentence")
    send(work, "translation", (), plan())
    message = json.loads(newest(client, "translation.gpu0"))

    assert "secret" not in json.dumps(message["headers"])
    send(Work("alice", 1, source="en", audio="audio:alice:1:0"), "stt", TARGETS, plan())
    assert len(newest(client, "stt.gpu0")) < 6_000


@pytest.mark.parametrize(
    ("work", "shown"),
    [
        (Work("alice", 3, target="es", attempt=1), "segment 3 · es · attempt 1 · session alice"),
        (Work("alice", 3, revision=2, draft=True), "segment 3 · draft 2 · session alice"),
        (Work("alice", 3, source="en", partial=True), "segment 3 · en · partial · session alice"),
    ],
)
def test_a_task_is_shown_by_whose_it_is(work: Work, shown: str) -> None:
    assert pipeline.whose(work) == shown


def test_the_message_names_whose_it_is_where_celery_puts_the_arguments(client: redis.Redis) -> None:
    send(Work("alice", 2, source="en", partial=True), "stt", (), plan())
    headers = json.loads(newest(client, "stt.gpu0:6"))["headers"]

    assert headers["argsrepr"] == "segment 2 · en · partial · session alice"
    assert headers["kwargsrepr"] == ""


def test_redis_that_is_away_is_an_error_at_once(settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    as_gateway(away, GPUS)
    start = time.monotonic()
    with pytest.raises(RedisUnavailable):
        send(Work("alice", 0, source="en"), "stt", TARGETS, plan())

    assert time.monotonic() - start < 2


def test_warming_up_connects_and_a_redis_that_is_away_is_met_later(
    settings: Settings, tmp_path: Path
) -> None:
    own = RedisProcess(tmp_path)
    own.start()
    try:
        as_gateway(settings.model_copy(update={"redis_url": own.url}), GPUS)
        with redis.Redis.from_url(own.url) as looking:
            before = len(looking.client_list())
            pipeline.warm()
            assert len(looking.client_list()) == before + 1
    finally:
        own.kill()
    as_gateway(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}), GPUS)
    pipeline.warm()


async def collect(url: str, room: str, enough: Callable[[list[Event]], bool]) -> list[Event]:
    journal, after = Journal(url, "test"), BEGIN
    events: list[Event] = []
    async with asyncio.timeout(20):
        while not enough(events):
            for _, entry, _ in await journal.read({room: after}):
                after = entry.id
                events += [entry.item] if isinstance(entry.item, Event) else []
    await journal.drop(room)
    await journal.close()
    return events


async def through(url: str, work: Work, stage: Stage, *targets: str, spoken: int) -> list[Event]:
    """What workers say of a first segment, until so many texts are spoken."""
    who = work.session
    sessions, journal = Sessions(url), Journal(url, "test2")
    await sessions.keep({who: 0}, 60)
    await journal.open([who], 60)
    key = await sessions.put_audio(who, 0, 0, bytes(32_000), 60)
    work = work.but(audio=key, deadline=time.time() + 30, sent=time.time())
    wanted = [Target(target) for target in targets]
    await asyncio.to_thread(send, work, stage, wanted, plan("cpu0", *targets))
    found = await collect(url, who, lambda found: sum(event.kind == "done" for event in found) == spoken)
    await sessions.close_session(who)
    await sessions.close()
    await journal.close()
    return found


@pytest.mark.e2e
def test_a_segment_runs_through_three_workers_and_reports_each_step(simulated: Stack) -> None:
    settings = Settings.read(redis_url=simulated.redis.url)
    as_gateway(settings, topology.load())

    work = Work("alice", 0, "alice", source="en", rate=16_000)
    events = asyncio.run(through(settings.redis_url, work, "stt", "es", "fr", spoken=2))

    texts = {(event.stage, event.target): event.text for event in events if event.kind == "text"}
    assert texts["stt", None].startswith("simulated")
    assert texts["translation", "es"] == f"[es] {texts['stt', None]}"
    assert texts["translation", "fr"] == f"[fr] {texts['stt', None]}"
    for target in ("es", "fr"):
        pieces = [event for event in events if event.kind == "audio" and event.target == target]
        (done,) = [event for event in events if event.kind == "done" and event.target == target]
        assert [piece.index for piece in pieces] == list(range(done.index))
        assert sum(len(piece.pcm) for piece in pieces) > 0
        assert len({piece.rate for piece in pieces}) == 1
        assert [piece.last for piece in pieces][-1]
    assert [event.kind for event in events if event.stage == "stt"] == ["started", "text"]


@pytest.mark.e2e
def test_the_first_sentence_is_spoken_as_a_part_of_its_own(simulated: Stack) -> None:
    settings = Settings.read(redis_url=simulated.redis.url)
    as_gateway(settings, topology.load())
    text = "The meeting begins at nine! Bring the figures of last year! Nobody else was asked."
    work = Work("bob", 0, "bob", source="en", target="es", text=text)
    events = asyncio.run(through(settings.redis_url, work, "translation", "es", spoken=2))

    head, whole = [event for event in events if event.kind in ("head", "text")]
    assert (head.kind, head.text, head.skip) == ("head", "[es] The meeting begins at nine!", 27)
    assert (whole.kind, whole.text.count("[es]"), whole.skip) == ("text", 3, 27)
    for part, sentences in ((0, [0]), (1, [1, 2])):
        pieces = [event for event in events if event.kind == "audio" and event.part == part]
        assert [piece.index for piece in pieces] == list(range(len(pieces)))
        assert sorted({piece.sentence for piece in pieces}) == sentences
