"""What every stage does with its work, with real Redis and stages made for the test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from celery.exceptions import Ignore

from bridge.errors import ProviderBusy, ProviderError
from bridge.settings import Settings
from bridge.streams import Cancellations, Feed, Store
from bridge.tasks.run import Results, Runtime, install, run
from bridge.types import Event, Work
from tests.stack import wait_until

pytestmark = pytest.mark.redis

WORK = Work("alice", 2, attempt=1, source="en", target="es", text="go forward")


@pytest.fixture
def runtime(settings: Settings) -> Iterator[Runtime]:
    """This process as a worker, for a session `alice` that is open."""
    made = Runtime("w", None, Store(settings.redis_url), Cancellations(settings.redis_url))
    wait_until(lambda: made.store.client.pubsub_numsub("cancel")[0][1] == 1, 5, "the worker listens")
    made.store.keep({"alice": 0}, 60)
    install(made)
    yield made
    install(None)
    made.cancellations.close()
    made.store.close()


def events(runtime: Runtime) -> list[Event]:
    async def read() -> list[Event]:
        feed = Feed(runtime.store.url, "test")
        found = await feed.read({"alice": "0-0"})
        await feed.close()
        return [event for _, _, event in found if event is not None]

    return asyncio.run(read())


def echo(_: Any, work: Work, __: bytes | None) -> Results:
    yield {"kind": "text", "text": work.text.upper()}
    return work.but(text=work.text.upper())


def test_the_result_is_the_next_stages_message(runtime: Runtime) -> None:
    before = time.time()
    following = Work.of(run("translation", WORK.message(), echo))

    assert following.text == "GO FORWARD"
    assert following.sent >= before


def test_start_and_result_are_reported_with_all_that_names_them(runtime: Runtime) -> None:
    run("translation", WORK.but(sent=time.time() - 0.5).message(), echo)
    started, text = events(runtime)

    assert (started.kind, text.kind) == ("started", "text")
    for event in (started, text):
        assert (event.session, event.segment, event.attempt, event.stage, event.target) == (
            "alice", 2, 1, "translation", "es",
        )  # fmt: skip
        assert event.worker == "w"
        assert 500 <= event.queued_ms < 5_000
    assert text.text == "GO FORWARD"


def test_each_result_leaves_before_the_next_is_made(runtime: Runtime) -> None:
    seen: list[int] = []

    def stage(_: Any, work: Work, __: bytes | None) -> Results:
        for index in range(3):
            yield {"kind": "audio", "index": index, "pcm": b"\0\0"}
            seen.append(len(events(runtime)))
        return None

    with pytest.raises(Ignore):
        run("tts", WORK.message(), stage)
    assert seen == [2, 3, 4]


def test_work_of_a_session_that_ended_never_reaches_the_engine(runtime: Runtime) -> None:
    runtime.store.close_session("alice")
    called = []
    with pytest.raises(Ignore):
        run("translation", WORK.message(), lambda *_: called.append(1) or echo(*_))  # type: ignore[func-returns-value]

    assert runtime.store.client.keys("*alice*") == []


def test_work_past_its_deadline_fails_instead_of_running(runtime: Runtime) -> None:
    with pytest.raises(Ignore):
        run("translation", WORK.but(deadline=time.time() - 1).message(), echo)

    assert [(event.kind, event.code) for event in events(runtime)] == [
        ("started", ""),
        ("failed", "too_late"),
    ]


def test_a_cancelled_segment_stops_between_two_results(runtime: Runtime) -> None:
    closed: list[bool] = []

    def stage(_: Any, work: Work, __: bytes | None) -> Results:
        try:
            yield {"kind": "audio", "index": 0, "pcm": b"\0\0"}
            runtime.store.cancel_before("alice", 3)
            wait_until(lambda: runtime.cancellations.cancelled("alice", 2), 2, "the worker hears it")
            yield {"kind": "audio", "index": 1, "pcm": b"\0\0"}
        finally:
            closed.append(True)
        return None

    with pytest.raises(Ignore):
        run("tts", WORK.message(), stage)
    assert [event.index for event in events(runtime) if event.kind == "audio"] == [0]
    assert closed == [True]


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (ProviderError("It broke.", "Mend it."), "provider_failed", False),
        (ProviderBusy("It is full."), "provider_busy", True),
        (ZeroDivisionError("a secret sentence"), "internal", True),
    ],
)
def test_a_failure_is_reported_and_ends_the_chain(
    runtime: Runtime, error: Exception, code: str, retryable: bool
) -> None:
    def stage(_: Any, work: Work, __: bytes | None) -> Results:
        if work.text:
            raise error
        yield {}
        return None

    with structlog.testing.capture_logs(), pytest.raises(Ignore):
        run("translation", WORK.message(), stage)
    failed = events(runtime)[-1]
    assert (failed.kind, failed.code, failed.retryable) == ("failed", code, retryable)
    assert "secret" not in failed.message


def test_running_tasks_are_counted(runtime: Runtime) -> None:
    counts: list[Any] = []

    def stage(_: Any, work: Work, __: bytes | None) -> Results:
        counts.append(runtime.store.client.hget("busy", "w"))
        yield {"kind": "text", "text": "x"}
        return work

    run("translation", WORK.message(), stage)
    assert counts == [b"1"]
    assert runtime.busy == 0
    assert runtime.changed.is_set()
