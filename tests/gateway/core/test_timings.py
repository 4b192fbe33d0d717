"""Durations between named instants, on a clock that is an argument."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.types import Event, EventKind, Stage
from gateway.core.timings import KEPT, STEP, Arrivals, Timeline
from tests.gateway.core.effort import EFFORT


def arrivals(*marks: tuple[int, float]) -> Arrivals:
    made = Arrivals()
    for samples, now in marks:
        made.note(samples, now)
    return made


def began(stage: Stage, queued: float, target: str | None = None) -> Event:
    return Event("started", stage, "a", 0, target=target, queued_ms=queued)


def result(kind: EventKind, stage: Stage, running: float, target: str | None = None) -> Event:
    return Event(kind, stage, "a", 0, target=target, running_ms=running)


def timeline(*events: Event) -> Timeline:
    made = Timeline(endpoint_ms=500.0, cut=100.5)
    for each in events:
        made.note(each)
    return made


def test_a_sample_arrived_with_the_frame_that_holds_it() -> None:
    heard = arrivals((320, 1.0), (640, 1.02), (960, 1.04))

    assert [heard.at(sample) for sample in (1, 320, 321, 640, 960)] == [1.0, 1.0, 1.02, 1.02, 1.04]


def test_a_sample_that_has_not_arrived_yet_is_as_late_as_the_last_one() -> None:
    assert arrivals((320, 1.0)).at(999) == 1.0
    assert arrivals().at(999) == 0.0


def test_forgetting_keeps_what_is_asked_for_later() -> None:
    heard = arrivals((320, 1.0), (640, 1.02), (960, 1.04))
    heard.forget_before(600)

    assert heard.at(600) == heard.at(1) == 1.02
    heard.forget_before(5000)
    assert heard.at(960) == 1.04
    heard.forget_before(6000)
    assert heard.at(960) == 1.04


def test_hours_of_silence_take_no_more_memory_than_the_longest_segment() -> None:
    heard = Arrivals()
    for frame in range(1, 4 * KEPT // 320):
        heard.note(frame * 320, frame * 0.02)

    last = 4 * KEPT // 320 - 1
    assert len(heard._marks) <= KEPT // 320 + 2
    assert heard.at(last * 320 - KEPT) == pytest.approx((last - KEPT // 320) * 0.02)


def test_frames_of_one_sample_take_no_more_memory_than_longer_ones() -> None:
    heard = Arrivals()
    for sample in range(1, 100 * STEP):
        heard.note(sample, sample / 16_000)

    assert len(heard._marks) <= 101
    assert heard.at(50 * STEP) == pytest.approx(50 * STEP / 16_000, abs=STEP / 16_000)


@EFFORT
@given(st.lists(st.integers(STEP, 4 * STEP), min_size=1, max_size=40), st.data())
def test_frames_of_any_size_tell_when_each_sample_arrived(sizes: list[int], data: st.DataObject) -> None:
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    heard = arrivals(*((end, float(number)) for number, end in enumerate(ends)))
    sample = data.draw(st.integers(1, ends[-1]))

    assert heard.at(sample) == next(number for number, end in enumerate(ends) if end >= sample)


def test_timings_tell_each_stage_and_the_sum_of_the_waits() -> None:
    times = timeline(
        began("stt", 1.0),
        result("text", "stt", 80.0),
        began("translation", 2.0, "es"),
        result("text", "translation", 9.0, "es"),
        began("tts", 4.0, "es"),
        result("audio", "tts", 14.0, "es"),
    )
    times.first_audio = 100.61

    assert times.timings_ms(101.25) == {
        "endpoint": 500.0,
        "draft": None,
        "queue": 7.0,
        "stt": 80.0,
        "translation": 9.0,
        "tts": 14.0,
        "first_audio": 610.0,
        "total": 1250.0,
    }


def test_only_the_first_result_of_a_stage_counts() -> None:
    times = timeline(
        began("tts", 3.0, "es"),
        result("audio", "tts", 14.0, "es"),
        began("tts", 9.0, "es"),
        result("audio", "tts", 400.0, "es"),
        result("done", "tts", 900.0, "es"),
    )

    assert times.timings_ms(101.0)["tts"] == 14.0
    assert times.timings_ms(101.0)["queue"] == 3.0


def test_of_several_targets_the_slowest_counts() -> None:
    times = timeline(
        began("translation", 2.0, "es"),
        began("translation", 1.0, "ca"),
        result("text", "translation", 9.0, "es"),
        result("text", "translation", 30.0, "ca"),
    )

    assert times.timings_ms(101.0)["translation"] == 30.0
    assert times.timings_ms(101.0)["queue"] == 2.0


def test_what_did_not_happen_has_no_time() -> None:
    assert timeline().timings_ms(100.75) == {
        "endpoint": 500.0,
        "draft": None,
        "queue": 0.0,
        "stt": None,
        "translation": None,
        "tts": None,
        "first_audio": None,
        "total": 750.0,
    }


def test_times_are_rounded_to_a_tenth_of_a_millisecond() -> None:
    times = timeline(began("stt", 0.14159), result("text", "stt", 80.26))

    assert times.timings_ms(100.7500123)["queue"] == 0.1
    assert times.timings_ms(100.7500123)["stt"] == 80.3
    assert times.timings_ms(100.7500123)["total"] == 750.0
