"""The scripts that bear names known from elsewhere run the commands of `speechbridge`."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = {
    "scripts/benchmark-latency.py": ("--iterations", "--worker", "--percentiles", "--barge-in"),
    "scripts/benchmark-jitter.py": ("--duration", "--expected-interval"),
    "scripts/benchmark-concurrency.py": ("--ramp-sessions", "--duration-per-level"),
    "scripts/profile_pipeline.py": ("--iterations",),
    "tests/performance/benchmark.py": ("--duration",),
    "tests/performance/ab_test.py": ("--config-a", "--config-b"),
}
SIMULATED = {f"{stage}_PROVIDER": "simulated" for stage in ("STT", "TRANSLATION", "TTS")}


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_offers_its_options(
    script: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [script, "--help"])
    monkeypatch.setenv("COLUMNS", "160")
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / script), run_name="__main__")
    assert not end.value.code
    said = re.sub(r"\x1b\[[0-9;]*m", "", capfd.readouterr().out)
    assert [option for option in SCRIPTS[script] if option not in said] == []


def run(tmp_path: Path, *words: str) -> str:
    """What a script says, run as a user runs it, whether the machine meets its objectives or not."""
    ended = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | SIMULATED | {"DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert ended.stderr == ""
    return ended.stdout


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.e2e
def test_latency_is_told_in_the_percentiles_asked_for(tmp_path: Path) -> None:
    said = run(tmp_path, "scripts/benchmark-latency.py", "--iterations", "3", "--percentiles", "50,99")
    assert said.startswith("FAL p50: ")
    assert "ms, p99: " in said.splitlines()[0]
    assert "SLO_FIRST_AUDIO_MS" in said


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.e2e
def test_the_stages_are_profiled(tmp_path: Path) -> None:
    said = run(tmp_path, "scripts/profile_pipeline.py", "--iterations", "3")
    assert said.startswith("Audio Processing:  ")
    assert 119 < float(said.split("Speech-to-Text:")[1].split("ms")[0]) < 200


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.e2e
def test_two_configurations_are_compared(tmp_path: Path) -> None:
    one, two = tmp_path / "a.env", tmp_path / "b.yml"
    one.write_text("VAD_MIN_SILENCE_MS=600\nENDPOINT=fixed\n")
    two.write_text("vad: {min_silence_duration_ms: 300}\nENDPOINT: fixed\n")
    file = tmp_path / "ab.json"
    configs = ("--config-a", str(one), "--config-b", str(two))
    short = ("--rounds", "2", "--iterations", "2")
    said = run(tmp_path, "tests/performance/ab_test.py", *configs, *short, "--json", str(file))
    assert "b is less" in said
    written = json.loads(file.read_text())
    found = {each["figure"]: each for each in written["ratios"]}
    assert found["first_audio_ms"]["high"] < 0.9
    assert written["settings"]["b"] == {"VAD_MIN_SILENCE_MS": "300", "ENDPOINT": "fixed"}
    assert written["counts"]["a/missing"] == written["counts"]["b/missing"] == 0


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.e2e
def test_the_baseline_is_written_with_its_samples(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    said = run(tmp_path, "tests/performance/benchmark.py", "--duration", "14", "--json", str(file))
    assert "| memory of gateway, workers and Redis, at most, MB |" in said
    written = json.loads(file.read_text())
    assert written["figures"]["text_ms"]["p50"] > 180
    assert len(written["samples"]["memory_mb"]) > 10
