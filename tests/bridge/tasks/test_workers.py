"""Real workers that nothing disturbs: one crew for all tests of this module."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from bridge.cli.network import fetch
from bridge.tasks.stt import transcribe
from bridge.types import Decision, Work
from tests.bridge.tasks.crew import AHEAD_SECONDS, Crew, placed, translation, whole
from tests.stack import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.e2e]


@pytest.fixture(scope="module")
def all_of_them(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    made = Crew(tmp_path_factory.mktemp("crew"), "ear", "brain", "mouth")
    yield made
    print(made.output())
    made.end()


@pytest.fixture
def crew(all_of_them: Crew) -> Crew:
    """The crew, with an empty room."""
    all_of_them.room.client.delete(
        "journal:room", "live:alice", *all_of_them.room.client.keys("claim:*"), "x"
    )
    all_of_them.room.open()
    all_of_them.become_gateway()
    return all_of_them


def done(crew: Crew, kind: str = "done", count: int = 1) -> None:
    wait_until(
        lambda: sum(event.kind == kind for event in crew.room.events()) >= count, 10, f"{count} are {kind}"
    )


def spoken(crew: Crew, **fields: object) -> Work:
    key = crew.room.do(lambda sessions: sessions.put_audio("alice", 0, 0, bytes(32_000), 30))
    now = crew.room.now()
    return Work("alice", 0, "room", source="en", audio=key, deadline=now + 60, sent=now).but(**fields)


def page(crew: Crew, name: str) -> dict[str, float]:
    """What that worker shows, by sample."""
    host, _, port = crew.worker(name).metrics.rpartition(":")
    answer = fetch(host, int(port), "/metrics")
    assert answer is not None and answer[0] == 200
    lines = [line.rpartition(" ") for line in answer[1].splitlines() if not line.startswith("#")]
    return {sample: float(value) for sample, _, value in lines}


def test_a_segment_goes_through_all_stages_and_each_tells_what_it_made(crew: Crew) -> None:
    whole(spoken(crew)).apply_async()
    done(crew)
    events = crew.room.events()

    assert [(event.stage, event.kind) for event in events[:5]] == [
        ("stt", "started"),
        ("stt", "text"),
        ("translation", "started"),
        ("translation", "text"),
        ("tts", "started"),
    ]
    pieces = events[5:-1]
    assert [piece.index for piece in pieces] == list(range(len(pieces)))
    assert [piece.last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert sum(len(piece.pcm) for piece in pieces) == 300 * 24 * 2
    assert events[-1].index == len(pieces)


def test_a_host_whose_clock_is_two_minutes_ahead_translates_in_time_and_tells_of_its_clock(
    crew: Crew,
) -> None:
    whole(spoken(crew, deadline=crew.room.now() + 20)).apply_async()
    done(crew)
    events = crew.room.events()

    assert abs(crew.worker("brain").ahead_ms - AHEAD_SECONDS * 1000) < 1_000
    assert abs(crew.worker("ear").ahead_ms) < 1_000
    assert all(event.kind != "failed" for event in events)
    assert all(event.queued_ms < 10_000 and event.running_ms < 10_000 for event in events)


def test_a_worker_says_what_it_is(crew: Crew) -> None:
    ear, brain, mouth = (crew.worker(name) for name in ("ear", "brain", "mouth"))

    assert (brain.stage, brain.device, brain.queue, brain.slots) == (
        "translation",
        "gpu3",
        "translation.gpu3",
        3,
    )
    assert {("en", "es"), ("en", "en"), ("en", "en-GB")} <= set(brain.pairs)
    assert "es" in mouth.languages
    assert ear.detects
    assert (brain.provider, brain.draining) == ("simulated", False)
    assert [ear.pid, brain.pid, mouth.pid] == [process.pid for process in crew.started]
    assert len({ear.life, brain.life, mouth.life}) == 3


@pytest.mark.parametrize(
    ("name", "stage", "made"),
    [
        ("ear", "stt", "bridge_transcribed_audio_seconds_total"),
        ("brain", "translation", "bridge_translated_characters_total"),
        ("mouth", "tts", "bridge_synthesized_audio_seconds_total"),
    ],
)
def test_the_series_of_each_worker_move_with_a_segment(crew: Crew, name: str, stage: str, made: str) -> None:
    task = f'bridge_tasks_total{{outcome="ok",stage="{stage}"}}'
    before = page(crew, name)
    whole(spoken(crew)).apply_async()
    done(crew)
    wait_until(lambda: page(crew, name)[task] == before[task] + 1, 2, "the task is counted")
    after = page(crew, name)

    moved = {sample.partition("{")[0] for sample, value in after.items() if value > before.get(sample, 0)}
    assert moved >= {
        made,
        "bridge_stage_queue_seconds_sum",
        "bridge_stage_duration_seconds_sum",
        "bridge_stage_first_result_seconds_sum",
    }
    assert ("bridge_real_time_factor_sum" in moved) == (stage != "translation")
    assert after[f'bridge_model_load_seconds_count{{stage="{stage}"}}'] == 1
    assert after['bridge_worker_threads{state="idle"}'] == crew.worker(name).slots
    assert not [sample for sample in after if sample.startswith("bridge_gpu_")]


def test_the_worker_that_speaks_shows_how_fast_it_heard_of_a_pause(crew: Crew) -> None:
    heard = "bridge_worker_control_seconds_count"
    before = page(crew, "mouth")[heard]
    pause = Decision("paused", "alice", 7, 0)
    crew.room.do(lambda sessions: sessions.tell("room", pause, crew.room.now()))

    wait_until(lambda: page(crew, "mouth")[heard] == before + 1, 2, "it is measured")


def test_an_engine_sees_only_the_gpu_of_its_worker(crew: Crew) -> None:
    assert (crew.saw("ear"), crew.saw("brain")) == ("", "3")


def test_work_that_is_delivered_twice_is_done_once(crew: Crew) -> None:
    work = Work("alice", 0, "room", source="en", text="go")
    for _ in range(3):
        translation(work).apply_async()
    translation(work.but(segment=1)).apply_async()
    wait_until(lambda: any(event.segment == 1 for event in crew.texts()), 10, "the last one is done")
    time.sleep(0.05)

    assert sorted(event.segment for event in crew.texts()) == [0, 1]


def test_work_of_a_burst_waits_only_for_the_work_before_it(crew: Crew) -> None:
    start = time.monotonic()
    for number in range(9):
        translation(Work("alice", number, "room", source="en", text="go")).apply_async()
    done(crew, "text", 9)

    # Three slots of 5 ms each: a stall of the pool would be seconds.
    assert time.monotonic() - start < 1


def test_what_is_urgent_overtakes_what_waits(crew: Crew) -> None:
    work = spoken(crew)
    ear = crew.started[0]
    ear.send_signal(signal.SIGSTOP)
    try:
        for number, priority in enumerate((9, 6, 3, 0) * 5):
            message = work.but(segment=number * 10 + priority).message()
            placed(transcribe.s(message), "stt.cpu0", priority).apply_async()
    finally:
        ear.send_signal(signal.SIGCONT)
    done(crew, "text", 20)

    # The first one may have been on its way before the others came.
    order = [event.segment % 10 for event in crew.texts()][1:]
    assert order == sorted(order)


def test_the_heartbeat_outlives_a_redis_that_forgot(crew: Crew) -> None:
    crew.room.client.delete("workers", *crew.room.client.keys("worker:*"))

    wait_until(lambda: len(crew.registry.workers()) == 3, 3, "the workers are registered again")
