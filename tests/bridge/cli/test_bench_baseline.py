"""What is kept of a machine before it is tuned."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.cli.bench import baseline
from bridge.cli.bench.ear import Ear
from bridge.cli.bench.report import Report
from bridge.cli.bench.stage import measured
from bridge.errors import BridgeError
from bridge.types import Stage


def report() -> Report:
    made = Report("baseline", {})
    made.add({"text_ms": [600.0, 700.0], "first_audio_ms": [650.0], "after_endpoint_ms": [350.0]})
    made.add({"audio_rtf": [0.004], "memory_mb": [500.0, 620.0]})
    return made


def test_translated_text_counts_from_the_end_of_speech() -> None:
    ear = Ear("s", began=100.0)
    words = {"text": "one", "start_ms": 300.0, "end_ms": 2300.0}
    ear.take({"type": "transcript.final", "segment": 0, **words}, 102.7)
    ear.take({"type": "translation.final", "segment": 0, "target": "es", "text": "uno"}, 102.9)
    ear.take({"type": "translation.final", "segment": 0, "target": "ca", "text": "u"}, 103.5)
    assert baseline.texts(list(ear.accounts.values())) == [600.0]


def test_memory_is_that_of_all_processes_and_of_each_role() -> None:
    row = baseline.memory({os.getpid(): "gateway", 2**22 + 1: "worker"})
    assert row["gateway_mb"] == row["memory_mb"] > 10
    assert row["worker_mb"] == 0


def test_of_several_gpus_the_busiest_counts_and_memory_of_all() -> None:
    assert baseline.read_gpu("12, 1000\n80, 3000\n") == {"gpu_ratio": 0.8, "gpu_mb": 4000 * 1.048576}
    assert baseline.read_gpu("No devices were found\n") == {}


def test_a_machine_without_a_gpu_says_so() -> None:
    text = baseline.block(report())
    assert "| GPU | none |" in text
    assert "| translated text, from the end of speech, ms | 650 / 695 |" in text
    assert "at most, MB | 620 |" in text


def test_a_gpu_is_told_idle_and_at_most() -> None:
    made = report()
    made.add({"idle_gpu_ratio": [0.05], "gpu_ratio": [0.3, 0.91, 0.4]})
    assert "| GPU | 5 % idle, 91 % at most |" in baseline.block(made)


def test_only_the_place_of_the_baseline_is_written(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{baseline.BEGIN}\nold\n{baseline.END}\nafter\n")
    baseline.write_block(page, "new")
    baseline.write_block(page, "newer")
    assert page.read_text() == f"before\n{baseline.BEGIN}\nnewer\n{baseline.END}\nafter\n"


def test_a_page_without_a_place_for_it_is_left_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("nothing")
    with pytest.raises(BridgeError, match="no place for it"):
        baseline.write_block(page, "new")
    assert page.read_text() == "nothing"


@pytest.mark.parametrize(("stage", "least"), [("stt", 7), ("translation", 5), ("tts", 3)])
def test_one_engine_is_timed_by_itself(stage: Stage, least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{stage.upper()}_PROVIDER", "simulated")
    monkeypatch.setenv(f"SIMULATED_{stage.upper()}_MS", str(least))
    found = measured(stage, 3)
    assert [ms >= least for ms in found[f"{stage}_ms"]] == [True] * 3
    assert ("rtf" in found) is (stage == "stt")


def test_the_documentation_has_a_place_for_it() -> None:
    page = Path(__file__).parents[3] / "docs" / "performance.md"
    text = page.read_text(encoding="utf-8")
    assert text.index(baseline.BEGIN) < text.index(baseline.END)
