"""What a gateway tells of segments: when each trace begins and ends, and what is below it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge import tracing
from bridge.settings import Settings
from bridge.types import Decision, Flight, Target, Work
from gateway.core import effects
from gateway.core.effects import Done, Play, Purge, Say, Submit
from gateway.core.inputs import Sent, Shed, Unsent
from gateway.core.seat import Seat
from gateway.core.tuning import Tuning
from gateway.runtime.spans import KEPT, UNTRACED, Spans
from gateway.runtime.spans import traced as spans_of
from tests.collector import Collector, Seen
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.scene import SENTENCE, TERMS, Member, Scene, meet, play

ROOM = "aaaa0000bbbb"
ES = (Target("es"),)
ALONE = Seat("alice", "alice", "alone", TERMS).tuning


class Clock:
    """The clock of Redis."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


class One:
    """Spans of the room of one of alice, told of segment 0."""

    def __init__(self) -> None:
        self.clock = Clock()
        assert tracing.tracer is not None
        self.spans = Spans(tracing.tracer, self.clock)
        self.left = self.spans.leaving(lambda: ALONE)

    def decide(self, kind: Any, at: float, **values: Any) -> Decision:
        return self.spans.decided(Decision(kind, "alice", at=at, **values))

    def begin(self, at: float = 100.0) -> str:
        """The trace of the segment, which is cut a second and a half later."""
        trace = self.decide("began", at).trace
        self.decide("cut", at + 1.5, targets=ES, endpoint_ms=500.0)
        return trace

    def hear(self, *found: effects.Effect, at: float) -> None:
        """What the client gets of an entry that was written at `at`."""
        self.clock.at = at
        self.spans.released(ALONE, found, f"{round(at * 1000)}-0")

    def leave(self, at: float, target: int = 0) -> None:
        """The first frame of its speech leaves."""
        self.clock.at = at
        self.left(0, target)

    def settle(self, at: float, outcome: Any = "heard") -> None:
        """What became of it is known."""
        self.clock.at = at
        self.spans.settled(Flight("alice", 0, 101.0, 900.0, 500.0, 0.0, "en", outcome, {}, ()))


def sound(target: int = 0, language: str = "es", offset: int = 0) -> Play:
    return Play(2, 0, target, offset, b"\1\0", language=language)


DONE = Say(9, Done(0, {}))


@pytest.fixture
def one(traced: Collector) -> Iterator[One]:
    yield One()


def sent(traced: Collector) -> dict[str, Seen]:
    """All that came, by name."""
    tracing.close()
    return {span.name: span for span in traced.spans}


def test_a_segment_lasts_from_its_beginning_until_all_was_said_and_sent(one: One, traced: Collector) -> None:
    trace = one.begin(100.0)
    one.hear(sound(), DONE, at=102.0)
    one.settle(102.001)
    one.leave(102.25)
    found = sent(traced)
    segment, deliver = found["segment"], found["deliver"]

    assert trace.startswith(f"00-{segment.trace}-{segment.id}-")
    assert (segment.parent, segment.start, segment.end) == ("", 100.0, 102.25)
    assert segment.events == {"speech ended": 101.0, "cut": 101.5}
    assert segment.attributes == {
        "bridge.session": "alice",
        "bridge.segment": 0,
        "bridge.attempt": 0,
        "bridge.targets": ["es"],
        "bridge.outcome": "heard",
        "bridge.provider": "p",
    }
    assert (deliver.parent, deliver.start, deliver.end) == (segment.id, 102.0, 102.25)
    assert deliver.attributes["bridge.target"] == "es"


@pytest.mark.parametrize("last", ["said", "known", "sent"])
def test_it_ends_with_whatever_comes_last(one: One, traced: Collector, last: str) -> None:
    one.begin()
    one.hear(sound(), at=102.0)
    steps = {
        "said": lambda at: one.hear(DONE, at=at),
        "known": one.settle,
        "sent": one.leave,
    }
    for name in sorted(steps, key=lambda name: name == last):
        steps[name](103.0 if name == last else 102.5)

    assert sent(traced)["segment"].end == 103.0


def test_what_others_were_told_does_not_end_it(one: One, traced: Collector) -> None:
    one.begin()
    one.settle(102.0)
    one.spans.released(Tuning("others", "es", 24_000, "bob"), [DONE], "102000-0")
    one.hear(DONE, at=103.0)

    assert sent(traced)["segment"].end == 103.0


def test_each_target_is_delivered_once(one: One, traced: Collector) -> None:
    one.begin()
    one.hear(sound(), sound(1, "fr"), at=102.0)
    one.leave(102.25)
    one.leave(102.5, target=1)
    one.hear(sound(offset=4_800), at=102.75)
    one.leave(103.0)
    tracing.close()

    assert [(it.attributes["bridge.target"], it.end) for it in traced.spans] == [
        ("es", 102.25),
        ("fr", 102.5),
    ]


def test_speech_that_was_stopped_is_not_waited_for(one: One, traced: Collector) -> None:
    one.begin()
    one.hear(sound(), at=102.0)
    one.settle(102.5, "stopped")
    one.hear(DONE, Purge(0), at=102.75)
    one.hear(Purge(1), at=103.0)
    one.leave(104.0)
    found = sent(traced)

    assert found.keys() == {"segment"}
    assert (found["segment"].end, found["segment"].attributes["bridge.outcome"]) == (103.0, "stopped")


def test_a_draft_is_a_span_that_says_what_became_of_it(one: One, traced: Collector) -> None:
    one.decide("began", 100.0)
    assert one.decide("draft", 100.5, revision=0).trace
    assert one.decide("dropped", 101.0, revision=0).trace == ""
    one.decide("draft", 102.0, revision=1)
    one.decide("cut", 102.5, revision=1, targets=ES)
    tracing.close()

    assert [(it.name, it.start, it.end) for it in traced.spans] == [
        ("draft", 100.5, 101.0),
        ("draft", 102.0, 102.5),
    ]
    assert [it.attributes["bridge.outcome"] for it in traced.spans] == ["dropped", "promoted"]


def test_a_decision_that_is_written_again_begins_and_counts_nothing_anew(one: One, traced: Collector) -> None:
    first = one.begin(100.0)
    again = one.begin(100.0)
    one.hear(DONE, at=102.0)
    one.settle(102.0)
    tracing.close()

    assert first == again
    assert [it.name for it in traced.spans] == ["segment"]


def test_what_was_given_up_is_a_failure_with_its_code(one: One, traced: Collector) -> None:
    one.begin()
    one.decide("again", 102.0, attempt=2, stage="tts", target="es")
    one.decide("gave_up", 103.0, stage="tts", target="es", code="timed_out", message="go forward")
    one.hear(DONE, at=103.5)
    one.settle(103.5, "failed")
    segment = sent(traced)["segment"]

    assert segment.failed
    assert segment.attributes["bridge.code"] == "timed_out"
    assert segment.attributes["bridge.attempt"] == 2
    assert segment.events["gave up es"] == 103.0
    assert "go forward" not in str(segment)


def test_an_echo_is_no_failure(one: One, traced: Collector) -> None:
    one.begin()
    one.decide("gave_up", 102.0, stage="stt", code="echo")
    one.hear(DONE, at=102.0)
    one.settle(102.0, "failed")

    assert not sent(traced)["segment"].failed


def test_a_session_that_leaves_ends_its_traces(one: One, traced: Collector) -> None:
    one.begin()
    one.clock.at = 104.0
    one.spans.parted("bob")
    one.clock.at = 105.0
    one.spans.parted("alice")
    segment = sent(traced)["segment"]

    assert (segment.end, segment.attributes["bridge.outcome"]) == (105.0, "left")


WORK = Work("alice", 0, "alice", attempt=1, revision=3, sent=102.0)


@pytest.mark.parametrize(
    ("told", "urgency", "code"),
    [
        (Sent(0, "stt", None, {}), "final", None),
        (Unsent(0, "stt", None, "nobody"), "final", "not_sent"),
        (Unsent(0, "stt", None, "busy"), "draft", None),
        (Shed(0, None, "late"), "final", "too_late"),
    ],
)
def test_dispatch_lasts_until_it_is_known_what_became_of_it(
    one: One, traced: Collector, told: Any, urgency: Any, code: str | None
) -> None:
    trace = one.begin()
    heard: list[object] = []
    submit, tell = one.spans.sent(Submit(WORK, "stt", ES, True, 30.0, urgency=urgency), heard.append)
    one.clock.at = 102.5
    partly = Shed(0, ("es",), "late")
    tell(partly)
    one.clock.at = 103.0
    tell(told)
    dispatch = sent(traced)["dispatch"]

    assert submit.work.trace == trace
    assert heard == [partly, told]
    assert (dispatch.start, dispatch.end) == (102.0, 103.0)
    assert dispatch.attributes.get("bridge.code") == code
    assert dispatch.attributes["bridge.shed"] == ["es"]
    assert [dispatch.attributes[f"bridge.{name}"] for name in ("stage", "attempt", "revision")] == [
        "stt",
        1,
        3,
    ]


def test_only_the_last_segments_are_known(one: One, traced: Collector) -> None:
    for segment in range(KEPT + 1):
        one.decide("began", 100.0, segment=segment)
    works = [Submit(WORK.but(segment=segment), "stt", ES, True, 30.0) for segment in (0, 1)]

    assert [bool(one.spans.sent(work, print)[0].work.trace) for work in works] == [False, True]


def test_where_nobody_collects_nothing_is_kept_or_changed() -> None:
    decision, submit = Decision("began", "alice"), Submit(WORK, "stt", ES, True, 30.0)
    spans = spans_of(lambda: 0.0)

    assert spans is UNTRACED
    assert spans.decided(decision) is decision
    assert spans.sent(submit, print) == (submit, print)


def test_a_trace_that_is_left_out_leaves_no_mark(traced: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    tracing.close()
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    tracing.setup("speechbridge-test")
    one = One()

    assert one.begin() == ""
    submit = Submit(WORK, "stt", ES, True, 30.0)
    assert one.spans.sent(submit, print) == (submit, print)


def leave(member: Member) -> None:
    """The first frame of the only segment goes to one who listens."""
    (begins,) = member.mouth.of(effects.SpeechBegins)
    member.runner.waits.left(begins.segment, begins.index)


@pytest.mark.redis
def test_each_gateway_of_a_room_tells_what_it_delivers(settings: Settings, traced: Collector) -> None:
    async def scene(one: Scene, two: Scene) -> None:
        speaker = await one.enter(ROOM, "speaker", 1)
        here, near = (
            await one.enter(ROOM, "listener", 1_024, "es"),
            await one.enter(ROOM, "listener", 1_025, "es"),
        )
        there = await two.enter(ROOM, "both", 2, "es")
        await until(lambda: speaker.runner.hall.core.roster.listeners == {"es": 3})
        speaker.runner.audio(SENTENCE)
        await until(lambda: len(one.decided(ROOM, "cut")) == 1)
        one.work(speaker.runner, 0)
        for member in (here, near, there):
            await until(lambda: member.mouth.of(effects.Done) != [])  # noqa: B023
            leave(member)
        await until(lambda: speaker.mouth.of(effects.Done) != [])

    meet(settings, scene)
    tracing.close()
    segment, *parts = sorted(traced.spans, key=lambda span: span.start)

    assert segment.attributes["bridge.outcome"] == "heard"
    assert [part.name for part in parts] == ["dispatch", "deliver", "deliver"]
    assert {part.parent for part in parts} == {segment.id}
    assert segment.start <= min(part.start for part in parts)


@pytest.mark.redis
def test_who_takes_a_speaker_over_goes_on_with_the_trace(settings: Settings, traced: Collector) -> None:
    async def scene(one: Scene, two: Scene) -> None:
        first = await one.enter(ROOM, "speaker", 1)
        listener = await two.enter(ROOM, "listener", 1_024, "es")
        await until(lambda: first.runner.hall.core.roster.listeners == {"es": 1})
        first.runner.audio(SENTENCE)
        await until(lambda: len(one.decided(ROOM, "cut")) == 1)
        again = await two.come_back(first, last_seq=1)
        await until(lambda: first.runner.stopped)
        one.work(again.runner, 0)
        await until(lambda: listener.mouth.of(effects.Done) != [])
        leave(listener)

    meet(settings, scene)
    tracing.close()
    found = {span.name: span for span in traced.spans}

    assert found["segment"].attributes["bridge.outcome"] == "left"
    assert found["deliver"].parent == found["segment"].id


@pytest.mark.redis
def test_the_log_names_the_trace_of_a_segment_and_the_journal_brings_it(
    settings: Settings, traced: Collector
) -> None:
    lines: list[Any] = []

    async def scene(it: Scene) -> None:
        runner, _ = await it.session()
        with capture_logs() as said:
            runner.audio(SENTENCE)
            await until(lambda: it.client.llen("stt.cpu0") == 1)
        lines.extend(line for line in said if line["event"] == "segment cut")
        lines.extend(it.decided(runner.id, "cut"))

    play(settings, scene)
    logged, cut = lines
    segment = sent(traced)["segment"]

    assert logged["trace"] == segment.trace
    assert cut["trace"].startswith(f"00-{segment.trace}-{segment.id}-")


@pytest.mark.redis
def test_a_segment_that_nobody_listens_to_ends_with_its_cut(settings: Settings, traced: Collector) -> None:
    async def scene(it: Scene) -> None:
        speaker = await it.enter(ROOM, "speaker", 1)
        speaker.runner.audio(SENTENCE)
        await until(lambda: speaker.mouth.of(effects.Done) != [])

    play(settings, scene)
    segment = sent(traced)["segment"]

    assert segment.attributes["bridge.outcome"] == "silent"
    assert segment.end - segment.events["cut"] < 1
