"""What benchmarks of many sessions make of what they saw: rhythm, the most sessions, utterances a second."""

from __future__ import annotations

import json
from math import inf
from pathlib import Path

import pytest
import typer

from bridge.cli.bench import concurrency, jitter, throughput
from bridge.cli.bench.commands.many import milliseconds
from bridge.cli.bench.report import MOST, Report, permille
from bridge.cli.bench.rhythm import Rhythm
from tests.bridge.cli.test_bench import run

RATE, FRAME = 8_000, 160


def rhythm(*arrivals_ms: float, lost: int = 0, segment: int = 0, made: Rhythm | None = None) -> Rhythm:
    """Frames of 20 ms that come at these times; the `lost` second ones never do."""
    made = made or Rhythm(RATE, 20)
    for number, ms in enumerate(arrivals_ms):
        place = number + (lost if number else 0)
        made.hear(segment, place * FRAME, FRAME, ms / 1000)
    return made


def test_frames_that_come_when_they_are_heard_have_no_jitter_and_none_is_lost() -> None:
    found = rhythm(0, 20, 40, 60)
    assert found.intervals == [20.0, 20.0, 20.0]
    assert found.drop_ratio == 0
    assert jitter.samples([found], 20)["jitter_ms"] == [0.0, 0.0, 0.0]


def test_a_lead_is_no_fault_but_its_frames_are_not_even() -> None:
    found = rhythm(0, 0, 0, 20, 40)
    assert found.late == 0
    assert jitter.samples([found], 20)["jitter_ms"] == [20.0, 20.0, 0.0, 0.0]


def test_a_frame_behind_its_time_is_a_gap_that_is_heard_once() -> None:
    found = rhythm(0, 20, 75, 95, 115, 135)
    assert (found.late, found.frames, found.drop_ratio) == (1, 6, 1 / 6)


def test_what_never_came_is_missing() -> None:
    found = rhythm(0, 60, 80, lost=2)
    assert (found.missing, found.drop_ratio) == (2, 2 / 5)


def test_between_two_segments_there_is_no_interval() -> None:
    found = rhythm(1000, 1020, segment=1, made=rhythm(0, 20))
    assert found.intervals == [20.0, 20.0]
    assert found.late == 0


def test_a_rhythm_is_the_same_on_the_other_side_of_a_pipe() -> None:
    found = Rhythm.of(json.loads(json.dumps(rhythm(0, 20, 75).message())))
    assert (found.intervals, found.frames, found.late, found.missing) == ([20.0, 55.0], 3, 1, 0)


def test_the_figures_of_several_sessions_are_one() -> None:
    found = jitter.samples([rhythm(0, 20, 40), rhythm(0, 30, 50)], 20)
    assert found["jitter_ms"] == [0.0, 0.0, 10.0, 0.0]
    assert found["interval_mean_ms"] == [22.5]
    assert found["interval_stdev_ms"] == [4.33]
    assert found["drop_ratio"] == [round(1 / 6, 5)]
    assert jitter.samples([], 20) == {}


def test_a_level_is_degraded_that_is_a_fifth_later_than_the_first_or_lost_something() -> None:
    rises = concurrency.rise({1: 230.0, 3: 260.0, 5: 310.0, 8: None})
    assert [round(by, 3) for by in rises.values()] == [0.0, 0.13, 0.348, inf]
    assert concurrency.degraded(rises, []) == [5, 8]
    assert concurrency.degraded(rises, [1]) == [1, 5, 8]


@pytest.mark.parametrize(("worse", "most"), [([5, 8], 3), ([3], 1), ([], 8), ([1], 0), ([3, 8], 1)])
def test_the_most_sessions_are_those_of_the_last_level_before_the_first_bad_one(
    worse: list[int], most: int
) -> None:
    assert concurrency.maximum([1, 3, 5, 8], worse) == most


def test_utterances_are_counted_second_by_second() -> None:
    assert throughput.rates([(10.0, 5), (11.0, 30), (13.0, 40)]) == [25.0, 5.0]


@pytest.mark.parametrize("written", ["20ms", "20", " 20 MS "])
def test_an_interval_may_be_written_with_its_unit(written: str) -> None:
    assert milliseconds(written) == 20


@pytest.mark.parametrize("written", ["", "20s", "0.02", "5ms", "500"])
def test_what_is_no_length_of_a_frame_is_refused(written: str) -> None:
    with pytest.raises(typer.BadParameter, match="20ms"):
        milliseconds(written)


def test_of_very_many_samples_the_file_has_the_distribution(tmp_path: Path) -> None:
    report = Report("jitter", {})
    report.add({"few_ms": [1.0, 2.0], "many_ms": [float(number) for number in range(MOST + 1)]})
    report.write(tmp_path / "figures.json")
    written = json.loads((tmp_path / "figures.json").read_text())
    assert written["samples"] == {"few_ms": [1.0, 2.0]}
    assert written["figures"]["many_ms"]["n"] == MOST + 1
    assert written["permille"]["many_ms"][950] == written["figures"]["many_ms"]["p95"]
    assert len(permille([1.0])) == 1001


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.e2e
def test_the_jitter_of_paced_sessions_is_judged(tmp_path: Path) -> None:
    written = run(tmp_path, "jitter", "--sessions", "2", "--duration", "8")
    figures, counts = written["figures"], written["counts"]
    assert figures["jitter_ms_2"]["n"] > 400
    assert figures["interval_mean_ms_2"]["p50"] == pytest.approx(20, abs=1)
    assert counts["missing_2"] == counts["dropped_sessions_2"] == 0
    assert {each["figure"] for each in written["verdicts"]} == {"jitter_ms_2", "drop_ratio_2"}


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.e2e
def test_utterances_are_completed_faster_than_they_are_spoken(tmp_path: Path) -> None:
    written = run(tmp_path, "throughput", "--sessions", "2", "--duration", "3")
    assert written["figures"]["utterance_mean_rate"]["p50"] > 2
    assert written["counts"]["dropped"] == written["counts"]["unheard"] == 0
