"""What a worker counts of its work, with real Redis and stages made for the test."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import structlog
from celery.exceptions import Ignore
from prometheus_client import REGISTRY

from bridge.errors import ProviderError
from bridge.providers.call import Attempt, Call
from bridge.settings import Settings
from bridge.store.registry import WorkerRecord
from bridge.store.work import Desk
from bridge.tasks import boot
from bridge.tasks.course import Course
from bridge.tasks.measures import Measures
from bridge.tasks.partials import look
from bridge.tasks.run import Results, Runtime, run
from bridge.types import SPEECH_RATE, Event, Stage, Work
from tests.bridge.metrics.grown import Grown
from tests.bridge.rooms import Room
from tests.stack import free_port, wait_until

pytestmark = pytest.mark.redis

WORK = Work("alice", 2, "room", source="en", target="es", text="Go on. It is five.")
SECOND = b"\1\0" * SPEECH_RATE


class Engine:
    def resident(self) -> tuple[str, ...]:
        return ("one", "two")


class SlowDesk(Desk):
    """Takes its time to write."""

    def emit(self, room: str, event: Event) -> None:
        time.sleep(0.1)
        super().emit(room, event)


def measured(runtime: Runtime, stage: Stage) -> Measures:
    """The measures of a worker with three slots, which hear of the tasks of this process."""
    runtime.provider = Engine()
    made = Measures(WorkerRecord("w", stage, "cpu0", f"{stage}.cpu0", 3, "engine"), runtime)
    runtime.over = made.over
    return made


@pytest.fixture
def translating(runtime: Runtime) -> Measures:
    return measured(runtime, "translation")


@pytest.fixture
def grown(translating: Measures) -> Grown:
    """Counts from before the test on."""
    return Grown()


def through(
    stage: Stage, work: Work, call: Callable[[Any, Work, bytes | None], Results], ahead: Any = None
) -> None:
    """Runs it, whatever comes of it."""
    with structlog.testing.capture_logs(), suppress(Ignore):
        run(stage, work.message(), call, ahead)


def halves(_: Any, work: Work, __: bytes | None) -> Results:
    time.sleep(0.05)
    yield {"kind": "head", "text": "Sigue.", "skip": 6}
    yield work.but(text="Sigue.")
    time.sleep(0.05)
    yield {"kind": "text", "text": "Sigue. Son las cinco.", "skip": 6, "confidence": 0.85}
    return None


def echo(_: Any, work: Work, __: bytes | None) -> Results:
    yield {"kind": "text", "text": work.text}
    return work


def test_work_that_is_done_counts_with_its_wait_its_first_result_and_its_whole_time(
    grown: Grown, room: Room
) -> None:
    through("translation", WORK.but(sent=room.now() - 0.5), halves, lambda work: None)
    labels = {"stage": "translation", "provider": "engine"}

    assert 0.5 <= grown("bridge_stage_queue_seconds_sum", stage="translation") < 2
    first = grown("bridge_stage_first_result_seconds_sum", **labels)
    ran = grown("bridge_stage_duration_seconds_sum", **labels)
    assert 0.05 <= first < ran - 0.05 < 2
    assert grown("bridge_stage_duration_seconds_count", **labels) == 1
    assert grown("bridge_tasks_total", stage="translation", outcome="ok") == 1
    assert grown("bridge_tasks_total") == 1


def test_characters_count_once_also_behind_a_head_that_went_ahead(grown: Grown) -> None:
    through("translation", WORK, halves, lambda work: None)
    assert grown("bridge_translated_characters_total") == len(WORK.text)

    def rest(_: Any, work: Work, __: bytes | None) -> Results:
        yield {"kind": "text", "text": "Sigue. Son las cinco.", "skip": 6, "confidence": 0.45}
        return None

    through("translation", WORK.but(segment=3, head="Sigue.", skip=6), rest)
    assert grown("bridge_translated_characters_total") == 2 * len(WORK.text) - 6
    assert grown("bridge_translation_confidence_ratio_bucket", le="0.5") == 1
    assert grown("bridge_translation_confidence_ratio_sum") == pytest.approx(1.3)


def test_words_that_are_wanted_as_they_were_said_ask_no_engine_and_are_a_task_alone(grown: Grown) -> None:
    through("translation", WORK.but(target="en-GB"), echo)

    assert grown("bridge_tasks_total", outcome="ok") == 1
    for name in ("bridge_stage_duration_seconds_count", "bridge_translated_characters_total"):
        assert grown(name) == 0


def gone(room: Room, work: Work) -> Work:
    room.do(lambda sessions: sessions.cancel_before("alice", 3))
    return work


def superseded(room: Room, work: Work) -> Work:
    room.do(lambda sessions: sessions.supersede("alice", 2, 0, "translation", "es", 2))
    return work


def taken(room: Room, work: Work) -> Work:
    other = Desk(room.url)
    other.take("translation", work, "v", [])
    other.close()
    return work


def late(room: Room, work: Work) -> Work:
    return work.but(deadline=room.now() - 1)


@pytest.mark.parametrize("why", [gone, superseded, taken, late])
def test_work_that_is_not_done_counts_as_what_became_of_it_alone(
    grown: Grown, room: Room, why: Callable[[Room, Work], Work]
) -> None:
    work = why(room, WORK.but(sent=room.now() - 0.5))
    through("translation", work, echo)

    assert grown("bridge_tasks_total", outcome=why.__name__) == grown("bridge_tasks_total") == 1
    assert grown("bridge_stage_queue_seconds_count") == (why is late)
    assert grown("bridge_task_errors_total") == grown("bridge_stage_first_result_seconds_count") == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [(ProviderError("No.", code="no_translation"), "no_translation"), (OSError(), "internal")],
)
def test_work_that_fails_counts_by_its_code_and_its_time_is_nobodys(
    grown: Grown, error: Exception, code: str
) -> None:
    def broken(_: Any, work: Work, __: bytes | None) -> Results:
        yield {"kind": "head", "text": "Sigue.", "skip": 6}
        raise error

    through("translation", WORK, broken)
    assert grown("bridge_tasks_total", outcome="failed") == grown("bridge_tasks_total") == 1
    assert grown("bridge_task_errors_total", stage="translation", type=code) == 1
    assert grown("bridge_stage_duration_seconds_count") == 0
    assert grown("bridge_translated_characters_total") == 6


def test_work_that_is_called_off_between_two_results_counts_as_cancelled(
    grown: Grown, room: Room, runtime: Runtime
) -> None:
    def long(_: Any, work: Work, __: bytes | None) -> Results:
        yield {"kind": "text", "text": "Sigue."}
        room.do(lambda sessions: sessions.cancel_before("alice", 3))
        wait_until(lambda: runtime.cancellations.cancelled(work), 2, "the worker hears it")
        yield {"kind": "text", "text": "Son las cinco."}
        return None

    through("translation", WORK, long)
    assert grown("bridge_tasks_total", outcome="cancelled") == grown("bridge_tasks_total") == 1


def test_a_redis_that_refuses_is_told_from_an_engine_that_fails(grown: Grown, room: Room) -> None:
    room.client.config_set("maxmemory", "1")
    try:
        through("translation", WORK, echo)
    finally:
        room.client.config_set("maxmemory", "0")

    assert grown("bridge_tasks_total", outcome="failed") == 1
    assert (
        grown("bridge_task_errors_total", type="redis_unavailable") == grown("bridge_task_errors_total") == 1
    )


def test_a_look_at_speech_that_goes_on_counts_as_that_alone_also_when_it_fails(
    grown: Grown, room: Room
) -> None:
    def broken(*_: Any) -> dict[str, Any]:
        raise ProviderError("No.")

    for call in (broken, lambda *_: {"text": "Sigue"}):
        look("translation", WORK.but(partial=True, deadline=4e9, sent=room.now()).message(), call)

    assert len(room.events()) == 2
    assert grown("bridge_tasks_total", outcome="partial") == grown("bridge_tasks_total") == 2
    assert grown("bridge_task_errors_total") == grown("bridge_stage_queue_seconds_count") == 0


def hearing(_: Any, work: Work, pcm: bytes | None) -> Results:
    time.sleep(0.05)
    yield {"kind": "text", "text": "go", "confidence": 0.9 if pcm else None}
    return work


def test_speech_heard_counts_with_the_time_of_the_engine_and_not_that_of_redis(
    runtime: Runtime, room: Room
) -> None:
    measured(runtime, "stt")
    runtime.desk.close()
    runtime.desk = SlowDesk(room.url)
    grown = Grown()
    key = room.do(lambda sessions: sessions.put_audio("alice", 2, 0, SECOND, 30))
    through("stt", Work("alice", 2, "room", audio=key), hearing)

    assert grown("bridge_transcribed_audio_seconds_total") == 1
    assert 0.05 <= grown("bridge_real_time_factor_sum", stage="stt") < 0.1
    assert grown("bridge_stage_first_result_seconds_sum", stage="stt") > 0.15
    assert grown("bridge_stt_confidence_ratio_sum") == pytest.approx(0.9)


def test_an_engine_that_is_not_sure_of_anything_says_nothing_of_it(runtime: Runtime, room: Room) -> None:
    measured(runtime, "stt")
    grown = Grown()
    through("stt", Work("alice", 2, "room"), hearing)

    assert grown("bridge_stt_confidence_ratio_count") == grown("bridge_real_time_factor_count") == 0
    assert grown("bridge_stage_duration_seconds_count", stage="stt") == 1


def test_speech_spoken_counts_and_its_first_result_is_its_first_sound(runtime: Runtime, room: Room) -> None:
    def speaking(_: Any, work: Work, __: bytes | None) -> Results:
        yield {"kind": "audio", "rate": 16_000, "last": True}
        time.sleep(0.1)
        for index in (1, 2):
            yield {"kind": "audio", "index": index, "pcm": SECOND, "rate": 16_000}
        yield {"kind": "done", "index": 3, "rate": 16_000}
        return None

    measured(runtime, "tts")
    grown = Grown()
    through("tts", WORK, speaking)

    assert grown("bridge_synthesized_audio_seconds_total") == pytest.approx(2)
    assert 0.05 <= grown("bridge_real_time_factor_sum", stage="tts") < 0.1
    assert grown("bridge_stage_first_result_seconds_sum", stage="tts", provider="engine") >= 0.1
    assert grown("bridge_tasks_total", stage="tts", outcome="ok") == 1


def test_speech_of_an_engine_that_fails_half_way_was_spoken_and_says_nothing_of_its_speed(
    runtime: Runtime, room: Room
) -> None:
    def breaking(_: Any, work: Work, __: bytes | None) -> Results:
        yield {"kind": "audio", "pcm": SECOND, "rate": 16_000}
        raise ProviderError("The voice cracked.")

    measured(runtime, "tts")
    grown = Grown()
    through("tts", WORK, breaking)

    assert grown("bridge_synthesized_audio_seconds_total") == 1
    assert grown("bridge_real_time_factor_count") == 0


def now(sample: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(sample, labels)


def test_slots_sessions_and_models_are_those_of_the_moment(translating: Measures, runtime: Runtime) -> None:
    seen: list[tuple[float | None, ...]] = []

    def see() -> None:
        translating.refresh()
        slots = [now("bridge_worker_threads", state=state) for state in ("busy", "idle")]
        seen.append((*slots, now("bridge_worker_sessions_active", worker="w")))

    def glance(*_: Any) -> dict[str, Any]:
        see()
        return {"text": "x"}

    def within(_: Any, work: Work, __: bytes | None) -> Results:
        see()
        look("translation", WORK.but(partial=True, deadline=4e9).message(), glance)
        yield {"kind": "text", "text": "x"}
        return None

    through("translation", WORK, within)
    see()
    assert seen == [(1, 2, 1), (2, 1, 1), (0, 3, 0)]
    assert now("bridge_models_resident", stage="translation") == 2


def test_each_replica_has_a_port_behind_the_one_of_the_variable_and_none_where_metrics_are_off() -> None:
    port = free_port()
    second = boot.page_of(Settings.read(metrics_port=port - 1), replica=1)
    some = boot.page_of(Settings.read(metrics_port=0), replica=1)
    assert second is not None and some is not None
    second.close()
    some.close()

    assert second.port == port
    assert some.port > 1
    assert boot.page_of(Settings.read(metrics=False, metrics_port=port), replica=0) is None


def charged(stage: Stage, providers: str, call: Call, **of: Any) -> float:
    """What a task of a worker with these providers costs."""
    made = Measures(
        WorkerRecord("w", stage, "cpu0", f"{stage}.cpu0", 1, providers),
        Runtime("w", None, None, None),  # type: ignore[arg-type]
    )
    grown = Grown()
    work = of.pop("work", WORK)
    made.over(Course(stage, work, outcome="ok", ran=0.1, call=call, **of))
    return grown("bridge_provider_cost_dollars_total", stage=stage)


@pytest.mark.parametrize(
    ("stage", "provider", "of", "dollars"),
    [
        ("stt", "azure", {"heard": 36.0}, 0.01),
        ("translation", "deepl", {}, 0.01),
        ("tts", "elevenlabs", {}, 0.02),
        ("tts", "espeak", {}, 0.0),
    ],
)
def test_a_vendor_costs_what_it_heard_or_was_given(
    room: Room, stage: Stage, provider: str, of: dict[str, float], dollars: float
) -> None:
    call = Call(provider=provider, characters=400, attempts=[Attempt(provider, "ok")])
    assert charged(stage, provider, call, **of) == pytest.approx(dollars)


def test_what_failed_or_another_did_is_not_counted_as_the_vendors(room: Room) -> None:
    failed = Attempt("azure", "late", "timeout")
    assert charged("stt", "azure", Call(provider="azure", attempts=[failed]), heard=3.6) == 0
    other = Call(provider="pocketsphinx", attempts=[failed, Attempt("pocketsphinx", "ok")])
    assert charged("stt", "azure,pocketsphinx", other, heard=3.6) == 0


def test_a_server_of_ones_own_and_a_free_plan_cost_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("DEEPL_API_KEY", "a:fx")
    for stage, provider in (("tts", "openai"), ("translation", "deepl")):
        call = Call(provider=provider, characters=400, attempts=[Attempt(provider, "ok")])
        assert charged(stage, provider, call) == 0  # type: ignore[arg-type]
