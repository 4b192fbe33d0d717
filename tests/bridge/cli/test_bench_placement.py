"""What a benchmark of the strategies starts, counts and writes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge import topology
from bridge.cli import app
from bridge.cli.bench import placement
from bridge.cli.bench.report import Report
from bridge.placement.strategies import NAMES


def test_each_stage_has_a_fast_and_a_slow_device(tmp_path: Path) -> None:
    path = tmp_path / "topology.toml"
    path.write_text(placement.topology(4))
    workers = topology.load(path).workers

    assert [worker.queue for worker in workers if worker.stage == "stt"] == ["stt.gpu0", "stt.gpu1"]
    assert {str(worker.env) for worker in workers if worker.stage == "tts"} == {
        "{'SIMULATED_TTS_MS': '200'}",
        "{'SIMULATED_TTS_MS': '800'}",
    }


def filled() -> Report:
    report = Report("placement", {})
    taken: dict[str, list[list[float]]] = {
        name: [[1_000.0 + number] * 3] * 2 for number, name in enumerate(NAMES)
    }
    counts: dict[str, Counter[str]] = {
        name: Counter({"segments": 6, "stt.gpu0": 3, "stt.gpu1": 1}) for name in NAMES
    }
    placement._add(report, 8, taken, counts)
    return report


def test_each_strategy_is_compared_with_the_default_and_its_share_is_of_each_stage() -> None:
    report = filled()

    assert [each.figure.partition("/")[0] for each in report.ratios] == list(NAMES[1:])
    assert report.counts["affinity/slow_percent_stt_8"] == 25
    assert report.counts["affinity/slow_percent_tts_8"] == 0


def test_the_table_tells_machine_and_date(tmp_path: Path) -> None:
    text = placement.block(filled(), [8])

    assert "| `affinity` | 1002 / 1002 (25 %) |" in text
    assert "cores of" in text and "load before the run" in text


def test_numbers_that_make_no_sense_are_refused() -> None:
    assert CliRunner().invoke(app, ["bench", "placement", "--sessions", "many"]).exit_code == 2


@pytest.mark.slow
def test_a_slow_device_makes_round_robin_later_than_the_default(tmp_path: Path) -> None:
    file, page = tmp_path / "placement.json", tmp_path / "page.md"
    page.write_text(f"{placement.BEGINNING}\n{placement.ENDING}\n")
    wanted = ["--sessions", "8", "--rounds", "1", "--utterances", "4", "--slower", "6"]
    run = CliRunner().invoke(app, ["bench", "placement", *wanted, "--json", str(file), "--doc", str(page)])

    assert run.exit_code == 0, run.output
    told = json.loads(file.read_text("utf-8"))
    counts, figures = told["counts"], told["figures"]
    assert all(counts[f"{name}/missing_8"] == counts[f"{name}/doubled_8"] == 0 for name in NAMES)
    slow = {name: counts[f"{name}/slow_percent_stt_8"] for name in NAMES}
    assert slow["least_loaded"] < slow["round_robin"]
    assert figures["least_loaded/first_audio_ms_8"]["p95"] < figures["round_robin/first_audio_ms_8"]["p95"]
    assert "`round_robin`" in page.read_text()
