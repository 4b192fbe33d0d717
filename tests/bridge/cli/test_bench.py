"""`speechbridge bench` as a script meets it: its file has the form that the documentation promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.bench.architectures import ready
from bridge.cli.bench.engines import ratios
from bridge.cli.bench.report import Report
from bridge.errors import ProviderMissing, SettingsError


def run(tmp_path: Path, *arguments: str) -> Any:
    """What a benchmark writes."""
    path = tmp_path / "figures.json"
    subprocess.run(
        [sys.executable, "-m", "bridge.cli", "bench", *arguments, "--json", str(path)],
        check=True,
        capture_output=True,
        timeout=300,
        env=os.environ | {"DATA_DIR": str(tmp_path / "data")},
    )
    return json.loads(path.read_text())


def check(written: Any, name: str) -> None:
    assert written["name"] == name
    assert {"cpu", "cores", "memory_gb", "load_1m"} <= set(written["machine"])
    assert isinstance(written["commit"], str)
    assert isinstance(written["settings"], dict)
    for figure in written["figures"].values():
        assert set(figure) == {"p50", "p95", "p99", "n", "unit"}
        assert 0 < figure["p50"] <= figure["p95"] <= figure["p99"]


@pytest.mark.provider
def test_the_speed_of_whisper_is_measured_on_random_weights(tmp_path: Path) -> None:
    written = run(tmp_path, "engines", "--stt", "tiny", "--iterations", "1")
    check(written, "engines")
    assert written["settings"]["stt"] == "tiny"
    figures = written["figures"]
    assert figures["stt_tiny_3s_short_encode_ms"]["p50"] < figures["stt_tiny_3s_encode_ms"]["p50"]
    whole, factor = figures["stt_tiny_10s_ms"]["p50"], figures["stt_tiny_10s_rtf"]
    assert factor["p50"] == pytest.approx(whole / 10_000, abs=0.001)
    assert factor["unit"] == "s/s"
    memory = figures["stt_tiny_memory_mb"]
    assert memory["unit"] == "MB"
    assert 100 < memory["p50"] < 1000  # 40 MB of weights, a window, the engine; no torch


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.e2e
def test_the_latency_of_a_small_run_is_written_with_every_figure(tmp_path: Path) -> None:
    written = run(tmp_path, "latency", "--iterations", "3", "--chain", "5")
    check(written, "latency")
    figures = written["figures"]
    assert figures["chain_ms"]["n"] == 5
    assert figures["overhead_ms"]["n"] == 3
    assert figures["stt_ms"]["p50"] >= 120


def test_a_ratio_says_how_many_times_longer_the_slower_way_takes() -> None:
    samples = {
        "stt_tiny_3s_ms": [300.0, 200.0],
        "stt_tiny_3s_short_ms": [100.0, 100.0],
        "stt_tiny_3s_short_rtf": [0.1, 0.1],
        "translation_600M_ct2_8tokens_beam1_ms": [50.0],
        "translation_600M_transformers_8tokens_beam1_ms": [250.0],
        "translation_600M_ct2_load_ms": [1.0],
        "translation_600M_transformers_load_ms": [1.0],
    }
    assert ratios(samples) == {
        "stt_tiny_3s_short_ratio": [3.0, 2.0],
        "translation_600M_ct2_8tokens_beam1_ratio": [5.0],
    }


def test_a_figure_has_the_unit_that_its_name_ends_in() -> None:
    report = Report("units", {})
    report.add({"way_ms": [1], "peak_mb": [2], "voice_rtf": [0.1234], "window_ratio": [3]})
    assert {name: figure["unit"] for name, figure in report.figures.items()} == {
        "way_ms": "ms",
        "peak_mb": "MB",
        "voice_rtf": "s/s",
        "window_ratio": "x",
    }
    assert report.figures["voice_rtf"]["p50"] == 0.123


def test_an_unknown_size_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"huge.*tiny, base, small"):
        ready("whisper", "huge", tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_building_lacks_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ProviderMissing, match=r"torch is not installed.*\[nllb-transformers\]"):
        ready("whisper", "tiny", tmp_path)
    assert not list(tmp_path.iterdir())
