"""Whether a benchmark passes, and how it says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from bridge.cli.bench.outcome import finish
from bridge.cli.bench.report import Report
from bridge.cli.bench.slo import GRADES, OBJECTIVES, Name, Objective, grade
from bridge.settings import Settings


@pytest.fixture(autouse=True)
def _own_objectives(monkeypatch: pytest.MonkeyPatch) -> None:
    for objective in OBJECTIVES:
        monkeypatch.delenv(objective.variable, raising=False)


def report(objective: Objective, value: float) -> Report:
    """One whose figure or count of the objective is `value`."""
    made = Report("test", {})
    if objective.statistic == "count":
        made.count({objective.figure: int(value)})
    else:
        made.add({objective.figure: [value] * 3})
    return made


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.variable)
def test_each_objective_is_what_its_variable_says(
    objective: Objective, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = float(getattr(Settings.read(), objective.field))
    assert report(objective, limit).judge(Settings.read()) is objective.at_least
    better, worse = (limit + 1, limit - 1) if objective.at_least else (limit / 2, limit * 2)
    assert report(objective, better).judge(Settings.read())
    assert not report(objective, worse).judge(Settings.read())
    moved = max(1, worse - 1) if objective.at_least else min(worse * 2, 0.9) if limit < 0.1 else worse * 2
    monkeypatch.setenv(objective.variable, f"{moved:g}")
    assert report(objective, worse).judge(Settings.read())


def test_objectives_have_their_values_unless_set() -> None:
    limits = {objective.variable: getattr(Settings.read(), objective.field) for objective in OBJECTIVES}
    assert limits == {
        "SLO_FIRST_AUDIO_MS": 300,
        "SLO_SEGMENT_MS": 400,
        "SLO_BARGE_IN_MS": 50,
        "SLO_CONTROL_MS": 20,
        "SLO_JITTER_MS": 10,
        "SLO_DROP_RATIO": 0.005,
        "SLO_RTF": 0.3,
        "SLO_SESSIONS": 3,
    }


def test_the_tail_is_judged_and_not_the_middle() -> None:
    made = Report("test", {})
    made.add({"jitter_ms": [1.0] * 18 + [30.0] * 2})
    assert not made.judge(Settings.read())


def test_each_level_and_variant_of_a_figure_is_judged() -> None:
    made = Report("test", {})
    made.add({"on/jitter_ms_3": [1.0], "off/jitter_ms_20": [20.0], "other_jitter_ms": [99.0], "rtf": []})
    assert not made.judge(Settings.read())
    assert [(verdict.figure, verdict.passed) for verdict in made.verdicts] == [
        ("on/jitter_ms_3", True),
        ("off/jitter_ms_20", False),
    ]
    assert made.judge(Settings.read(), lambda name: Name.of(name).level == 3)


def test_a_verdict_is_one_line_with_the_variable_that_moves_it() -> None:
    made = Report("test", {})
    made.add({"jitter_ms_3": [8.5]})
    made.count({"sessions": 2})
    made.judge(Settings.read())
    assert [verdict.line() for verdict in made.verdicts] == [
        "pass  jitter_ms_3 p95 8.5 ms < 10 ms (SLO_JITTER_MS)",
        "FAIL  sessions 2 < 3 (SLO_SESSIONS)",
    ]


def test_a_missed_objective_is_printed_written_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "figures.json"
    made = report(OBJECTIVES[0], 301)
    with pytest.raises(typer.Exit) as end:
        finish(made, path)
    assert end.value.exit_code == 1
    assert "FAIL  text_to_audio_ms p95 301 ms ≥ 300 ms (SLO_FIRST_AUDIO_MS)" in capsys.readouterr().out
    (verdict,) = json.loads(path.read_text())["verdicts"]
    assert (verdict["figure"], verdict["passed"]) == ("text_to_audio_ms", False)


def test_figures_without_an_objective_never_fail(tmp_path: Path) -> None:
    made = Report("test", {})
    made.add({"recovery_ms": [9e9], "stt_ms": [9e9]})
    finish(made, tmp_path / "figures.json")
    assert json.loads((tmp_path / "figures.json").read_text())["verdicts"] == []


# Grades


@pytest.mark.parametrize("name", GRADES)
def test_a_grade_is_target_acceptable_or_slow(name: str) -> None:
    target, acceptable = GRADES[name]
    assert grade(name, target - 0.1) == "target"
    assert grade(name, target) == grade(name, acceptable - 0.1) == "acceptable"
    assert grade(name, acceptable) == "slow"


def test_figures_are_graded_by_their_stage_at_every_level(capsys: pytest.CaptureFixture[str]) -> None:
    made = Report("test", {})
    made.add({"off/stt_ms_16": [49.0], "tts_ms": [200.0], "queue_ms": [1.0]})
    made.show()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [lines[at][-1] for at in (1, 2, 3)] == ["target", "slow", "ms"]


def test_what_is_not_graded_has_no_column_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    made = Report("test", {})
    made.add({"queue_ms": [1.0]})
    made.show()
    assert "grade" not in capsys.readouterr().out
