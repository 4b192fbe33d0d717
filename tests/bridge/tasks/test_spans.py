"""What a trace shows of a piece of work at its worker."""

from __future__ import annotations

import pytest
import structlog
from celery.exceptions import Ignore

from bridge import tracing
from bridge.errors import ProviderError, RedisUnavailable
from bridge.tasks.run import Results, Runtime, run
from bridge.types import Work
from tests.bridge.rooms import Room
from tests.bridge.tasks.test_run import echo
from tests.collector import Collector, Seen
from tests.stack import wait_until

pytestmark = pytest.mark.redis

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"
WORK = Work("alice", 2, "room", attempt=1, source="en", target="es", text="go forward", trace=TRACE)


def seen(traced: Collector) -> Seen:
    """The only span there is."""
    tracing.close()
    (span,) = traced.spans
    return span


def test_a_stage_is_a_span_from_when_it_was_taken_until_its_last_result(
    runtime: Runtime, room: Room, traced: Collector
) -> None:
    before = room.now()
    following = Work.of(run("translation", WORK.but(sent=before - 0.5).message(), echo))
    after = room.now()
    span = seen(traced)

    assert following.trace == TRACE
    assert (span.name, span.trace, span.parent) == ("translation", "a" * 32, "b" * 16)
    assert before <= span.start <= span.events["first result"] == span.end <= after
    assert 500 <= span.attributes.pop("bridge.queue_ms") < 1_500
    assert not span.failed
    assert span.attributes == {
        "bridge.session": "alice",
        "bridge.segment": 2,
        "bridge.stage": "translation",
        "bridge.target": "es",
        "bridge.attempt": 1,
        "bridge.revision": 0,
        "bridge.draft": False,
        "bridge.provider": "p",
        "bridge.outcome": "ok",
    }


SPOKEN = "It heard: go forward."


@pytest.mark.parametrize(
    ("error", "code"),
    [(ProviderError(SPOKEN, code="provider_failed"), "provider_failed"), (ValueError(SPOKEN), "internal")],
)
def test_a_failure_has_its_code_and_not_what_was_said(
    runtime: Runtime, traced: Collector, error: Exception, code: str
) -> None:
    def broken(*_: object) -> Results:
        raise error
        yield {}

    with pytest.raises(Ignore):
        run("tts", WORK.message(), broken)
    span = seen(traced)

    assert span.failed
    assert (span.attributes["bridge.code"], span.attributes["bridge.outcome"]) == (code, "failed")
    assert "go forward" not in str(span)


def test_work_that_comes_too_late_is_a_failure_of_no_length(
    runtime: Runtime, room: Room, traced: Collector
) -> None:
    with pytest.raises(Ignore):
        run("translation", WORK.but(deadline=room.now() - 3).message(), echo)
    span = seen(traced)

    assert span.attributes["bridge.code"] == "too_late"
    assert span.end - span.start < 0.1


def test_a_redis_that_goes_away_in_mid_work_is_why_it_failed(runtime: Runtime, traced: Collector) -> None:
    def cut_off(*_: object) -> Results:
        yield {"kind": "head", "text": "adelante", "skip": 3}
        raise RedisUnavailable("Redis took no work.")

    with pytest.raises(Ignore):
        run("translation", WORK.message(), cut_off)

    assert seen(traced).attributes["bridge.code"] == "redis_unavailable"


def test_work_that_is_called_off_says_so(runtime: Runtime, room: Room, traced: Collector) -> None:
    def stage(_: object, work: Work, __: bytes | None) -> Results:
        room.do(lambda sessions: sessions.cancel_before("alice", 3))
        wait_until(lambda: runtime.cancellations.cancelled(Work("alice", 2)), 2, "the worker hears it")
        yield {"kind": "audio", "index": 1, "pcm": b"\0\0"}
        return None

    with pytest.raises(Ignore):
        run("tts", WORK.message(), stage)
    span = seen(traced)

    assert (span.failed, span.attributes["bridge.outcome"], span.events) == (False, "cancelled", {})
    assert span.end > span.start


def test_nobody_sees_work_that_was_not_wanted_or_whose_trace_is_left_out(
    runtime: Runtime, room: Room, traced: Collector
) -> None:
    run("translation", WORK.but(trace=f"{TRACE[:-1]}0").message(), echo)
    run("translation", WORK.but(trace="", attempt=2).message(), echo)
    room.do(lambda sessions: sessions.cancel_before("alice", 3))
    with pytest.raises(Ignore):
        run("translation", WORK.but(attempt=3).message(), echo)
    tracing.close()

    assert traced.spans == []


def test_the_log_lines_of_a_task_name_its_trace(runtime: Runtime) -> None:
    bound: list[dict[str, object]] = []

    def stage(_: object, work: Work, __: bytes | None) -> Results:
        bound.append(structlog.contextvars.get_contextvars())
        yield {"kind": "text"}
        return work

    run("translation", WORK.message(), stage)
    run("translation", WORK.but(trace="", attempt=2).message(), stage)

    assert bound[0]["trace"] == "a" * 32
    assert "trace" not in bound[1]
