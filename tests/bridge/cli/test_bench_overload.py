"""What a benchmark of too much speech counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bridge.cli import app
from bridge.cli.bench.commands.overload import factors
from bridge.cli.bench.ear import Account
from bridge.cli.bench.overload import fates


def account(segment: int, heard_ms: float | None = None, text: str = "words", failed: str = "") -> Account:
    said_at = 10.0
    at = None if heard_ms is None else said_at + heard_ms / 1000
    return Account("a", segment, text=text, said_at=said_at, first_audio_at=at, failed=failed)


def test_each_segment_has_one_fate_and_what_never_came_is_counted_too() -> None:
    said = [
        account(1, 2_900),
        account(2, 3_100),
        account(3, failed="too_late"),
        account(4, text="", failed="too_late"),
        account(5, text=""),
    ]
    assert fates(said, 7, 3_000) == {
        "captions_only": 1,
        "in_time": 1,
        "late": 1,
        "left_out": 1,
        "nothing": 3,
    }


def test_what_was_heard_in_time_is_all_there_is_to_tell() -> None:
    assert fates([account(1, 500)], 1, 3_000) == {"in_time": 1}


@pytest.mark.parametrize("listed", ["", "much", "0", "1,9"])
def test_loads_that_make_no_sense_are_refused(listed: str) -> None:
    with pytest.raises(typer.BadParameter):
        factors(listed, "--load")
    assert factors("0.5, 2", "--load") == [0.5, 2.0]


def test_an_unknown_stage_is_refused_with_the_known_ones() -> None:
    refused = CliRunner().invoke(app, ["bench", "overload", "--stage", "mt"])
    assert refused.exit_code == 2 and "stt, translation, tts" in refused.output


@pytest.mark.slow
def test_what_is_said_beyond_what_engines_can_do_is_heard_in_time_or_left_out(tmp_path: Path) -> None:
    file = tmp_path / "overload.json"
    run = CliRunner().invoke(
        app, ["bench", "overload", "--load", "2", "--utterances", "3", "--json", str(file)]
    )
    assert run.exit_code == 0, run.output
    counts = json.loads(file.read_text("utf-8"))["counts"]
    assert counts["fates_off_200"].get("late")
    for name in ("shed", "admitted"):
        assert "late" not in counts[f"fates_{name}_200"] and "nothing" not in counts[f"fates_{name}_200"]
    assert counts["refused_200"] > 0
