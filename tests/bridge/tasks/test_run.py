"""What every stage does with its work, with real Redis and stages made for the test."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
import structlog
from celery.exceptions import Ignore
from structlog.testing import capture_logs

from bridge.errors import BridgeError, ProviderBusy, ProviderError
from bridge.store import keys
from bridge.store.work import Desk
from bridge.tasks.run import Results, Runtime, run
from bridge.types import Event, Work, item_name
from tests.bridge.rooms import Room
from tests.stack import wait_until

pytestmark = pytest.mark.redis

WORK = Work("alice", 2, "room", attempt=1, source="en", target="es", text="go forward")
ITEM = item_name("alice", 2, 0, "translation", "es", 1)


def echo(_: Any, work: Work, __: bytes | None) -> Results:
    yield {"kind": "text", "text": work.text.upper()}
    return work.but(text=work.text.upper())


def told(room: Room) -> Any:
    raw: Any = room.client.hget(keys.RUNNING, "w")
    return json.loads(raw)


def test_the_result_is_the_next_stages_message_sent_when_it_was_made(runtime: Runtime, room: Room) -> None:
    before = room.now()
    following = Work.of(run("translation", WORK.message(), echo))

    assert following.text == "GO FORWARD"
    assert before <= following.sent <= room.now()


def test_the_time_between_two_stages_is_measured_on_the_clock_of_redis(
    runtime: Runtime, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 4e9)

    def slow(_: Any, work: Work, __: bytes | None) -> Results:
        time.sleep(0.05)
        yield {"kind": "text"}
        return work

    before = room.now()
    following = Work.of(run("translation", WORK.but(sent=before - 0.5).message(), slow))
    started, text = room.events()

    assert before + 0.05 <= following.sent <= room.now()
    assert 500 <= text.queued_ms < 5_000
    assert text.queued_ms == pytest.approx(started.queued_ms, abs=0.02)
    assert 50 <= text.running_ms < 5_000


def test_start_and_result_are_reported_with_all_that_names_them(runtime: Runtime, room: Room) -> None:
    run("translation", WORK.but(revision=4).message(), echo)
    started, text = room.events()

    assert (started.kind, text.kind) == ("started", "text")
    for event in (started, text):
        assert event == Event(
            event.kind, "translation", "alice", 2, 4, 1, "es", worker="w", text=event.text,
            queued_ms=event.queued_ms, running_ms=event.running_ms,
        )  # fmt: skip
    assert text.text == "GO FORWARD"


def test_what_can_begin_sooner_is_sent_behind_what_was_told_of_it(runtime: Runtime, room: Room) -> None:
    sent: list[tuple[Work, int]] = []

    def halves(_: Any, work: Work, __: bytes | None) -> Results:
        yield {"kind": "head", "text": "go"}
        yield work.but(text="go")
        yield {"kind": "text", "text": "go forward"}
        return work.but(part=1)

    before = room.now()
    rest = run("translation", WORK.message(), halves, lambda work: sent.append((work, len(room.events()))))
    ((first, told),) = sent

    assert (first.text, first.part, rest["part"]) == ("go", 0, 1)
    assert told == 2  # started, head
    assert before <= first.sent <= room.now()


def test_each_result_leaves_before_the_next_is_made(runtime: Runtime, room: Room) -> None:
    seen: list[int] = []

    def stage(_: Any, work: Work, __: bytes | None) -> Results:
        for index in range(3):
            yield {"kind": "audio", "index": index, "pcm": b"\0\0"}
            seen.append(len(room.events()))
        return None

    with pytest.raises(Ignore):
        run("tts", WORK.message(), stage)
    assert seen == [2, 3, 4]


@pytest.mark.parametrize("reason", ["gone", "superseded", "taken"])
def test_work_that_is_not_wanted_never_reaches_the_engine(runtime: Runtime, room: Room, reason: str) -> None:
    if reason == "gone":
        room.do(lambda sessions: sessions.cancel_before("alice", 3))
    elif reason == "superseded":
        room.do(lambda sessions: sessions.supersede("alice", 2, 0, "translation", "es", 2))
    else:
        other = Desk(room.url)
        other.take("translation", WORK, "v", [ITEM])
        other.close()
    before = room.events()
    called: list[Work] = []

    def stage(_: Any, work: Work, __: bytes | None) -> Results:
        called.append(work)
        yield {"kind": "text"}
        return work

    with pytest.raises(Ignore):
        run("translation", WORK.message(), stage)
    assert (called, room.events(), runtime.running) == ([], before, [])


def test_speech_that_is_due_fails_as_too_late_and_names_the_setting(runtime: Runtime, room: Room) -> None:
    work = WORK.but(due=room.now() - 2, deadline=room.now() + 60)
    with capture_logs() as logs, pytest.raises(Ignore):
        run("tts", work.message(), echo)

    _, failed = room.events()
    assert (failed.code, failed.retryable) == ("too_late", False)
    assert any("LATENESS_MS" in str(line.get("hint")) for line in logs)


def test_every_event_says_whether_it_was_made_in_haste(runtime: Runtime, room: Room) -> None:
    run("translation", WORK.but(quick=True).message(), echo)
    assert [event.quick for event in room.events() if event.kind != "started"] == [True]


def test_work_past_its_deadline_fails_and_tells_by_how_much(runtime: Runtime, room: Room) -> None:
    with structlog.testing.capture_logs(), pytest.raises(Ignore):
        run("translation", WORK.but(deadline=room.now() - 3).message(), echo)
    started, failed = room.events()

    assert (started.kind, failed.kind, failed.code) == ("started", "failed", "too_late")
    assert re.search(r"[3-9]\.\d s after its deadline", failed.message)
    assert "SEGMENT_DEADLINE_MS" in failed.message


def test_a_cancelled_segment_stops_between_two_results(runtime: Runtime, room: Room) -> None:
    closed: list[bool] = []

    def stage(_: Any, work: Work, __: bytes | None) -> Results:
        try:
            yield {"kind": "audio", "index": 0, "pcm": b"\0\0"}
            room.do(lambda sessions: sessions.cancel_before("alice", 3))
            wait_until(lambda: runtime.cancellations.cancelled(Work("alice", 2)), 2, "the worker hears it")
            yield {"kind": "audio", "index": 1, "pcm": b"\0\0"}
        finally:
            closed.append(True)
        return None

    with pytest.raises(Ignore):
        run("tts", WORK.message(), stage)
    assert [event.index for event in room.events() if event.kind == "audio"] == [0]
    assert closed == [True]


class Nameless(BridgeError):
    code = ""


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (ProviderError("It broke.", "Mend it."), "provider_failed", False),
        (ProviderBusy("It is full."), "provider_busy", True),
        (ProviderError(""), "provider_failed", False),
        (Nameless(""), "internal", False),
        (ZeroDivisionError("a secret sentence"), "internal", True),
        (AssertionError(), "internal", True),
    ],
)
def test_a_failure_is_reported_with_code_and_message_and_ends_the_chain(
    runtime: Runtime, room: Room, error: Exception, code: str, retryable: bool
) -> None:
    def stage(_: Any, work: Work, __: bytes | None) -> Results:
        if work.text:
            raise error
        yield {}
        return None

    with structlog.testing.capture_logs(), pytest.raises(Ignore):
        run("translation", WORK.message(), stage)
    failed = room.events()[-1]
    assert (failed.kind, failed.code, failed.retryable) == ("failed", code, retryable)
    assert failed.message
    assert "secret" not in failed.message


def test_what_runs_is_told_with_the_start_and_again_at_the_end(runtime: Runtime, room: Room) -> None:
    during: list[Any] = []

    def stage(_: Any, work: Work, __: bytes | None) -> Results:
        during.append(told(room))
        yield {"kind": "text", "text": "x"}
        return work

    run("translation", WORK.message(), stage)
    assert during == [[ITEM]]
    assert runtime.running == []
    assert runtime.changed.is_set()
    runtime.tell(again=False)
    assert told(room) == []


def test_work_that_is_delivered_twice_is_not_forgotten_when_the_second_is_refused(
    runtime: Runtime, room: Room
) -> None:
    def stage(_: Any, work: Work, __: bytes | None) -> Results:
        with pytest.raises(Ignore):
            run("translation", WORK.message(), echo)
        runtime.tell(again=False)
        yield {"kind": "text", "text": ",".join(told(room))}
        return work

    run("translation", WORK.message(), stage)
    assert room.events()[-1].text == ITEM


class SlowDesk(Desk):
    """What is told of running work is on its way until it is let through, or 0.2 s have passed."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.under_way, self.let_through = threading.Event(), threading.Event()

    def runs(self, worker: str, running: Sequence[str]) -> None:
        self.under_way.set()
        self.let_through.wait(0.2)
        super().runs(worker, running)


def test_what_starts_is_never_hidden_by_an_older_list(runtime: Runtime, room: Room) -> None:
    runtime.desk.close()
    runtime.desk = desk = SlowDesk(room.url)
    teller = threading.Thread(target=runtime.tell, kwargs={"again": True})

    def stage(_: Any, work: Work, __: bytes | None) -> Results:
        desk.let_through.set()
        teller.join()
        yield {"kind": "text", "text": ",".join(told(room))}
        return work

    teller.start()
    assert desk.under_way.wait(5)
    run("translation", WORK.message(), stage)
    assert room.events()[-1].text == ITEM


def test_a_redis_that_is_full_ends_the_work_with_one_line(runtime: Runtime, room: Room) -> None:
    room.client.config_set("maxmemory", "1")
    try:
        with structlog.testing.capture_logs() as lines, pytest.raises(Ignore):
            run("translation", WORK.message(), echo)
    finally:
        room.client.config_set("maxmemory", "0")
    assert [line["event"] for line in lines] == ["work dropped; the gateway sends it again"]
    assert "out of memory" in lines[0]["error"]
    assert runtime.running == []
