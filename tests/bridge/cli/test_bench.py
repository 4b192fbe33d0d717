"""`speechbridge bench` as a script meets it: its file has the form that the documentation promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer

from bridge import topology
from bridge.cli.bench import levels
from bridge.cli.bench.architectures import ready
from bridge.cli.bench.engines import ratios
from bridge.cli.bench.load import UTTERANCE_MS
from bridge.cli.bench.outcome import numbers
from bridge.cli.bench.processes import Meter, cpu_seconds, lives, role
from bridge.cli.bench.report import Report
from bridge.cli.bench.resume import UTTERANCES
from bridge.cli.bench.simulated import topology_text
from bridge.errors import ProviderMissing, SettingsError


def run(tmp_path: Path, *arguments: str) -> Any:
    """What a benchmark writes, whether the machine is fast enough to meet its objectives or not."""
    path = tmp_path / "figures.json"
    subprocess.run(
        [sys.executable, "-m", "bridge.cli", "bench", *arguments, "--json", str(path)],
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
    for name, figure in written["figures"].items():
        assert set(figure) == {"p50", "p95", "p99", "n", "unit"}
        # CPU time is counted in ticks of 10 ms: an idle process may have none.
        assert figure["p50"] > 0 or "_cpu_" in name or "_cores_" in name
        assert figure["p50"] <= figure["p95"] <= figure["p99"]


@pytest.mark.slow
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
def test_each_number_of_sessions_has_its_own_figures_and_nothing_is_lost(tmp_path: Path) -> None:
    written = run(tmp_path, "latency", "--chain", "0", "--sessions", "1,3", "--iterations", "3")
    check(written, "latency")
    figures, counts = written["figures"], written["counts"]
    for number in (1, 3):
        assert figures[f"overhead_ms_{number}"]["n"] >= number
        assert figures[f"endpoint_ms_{number}"]["p50"] > 400
        assert figures[f"client_late_ms_{number}"]["unit"] == "ms"
        assert figures[f"gateway_cpu_{number}"]["unit"] == "ms/s"
        assert figures[f"others_cores_{number}"]["unit"] == "cores"
        assert {f"{who}_cpu_{number}" for who in ("worker", "redis", "client")} <= set(figures)
        assert counts[f"segments_{number}"] == 4 * number
        assert counts[f"missing_{number}"] == counts[f"doubled_{number}"] == counts[f"dropped_{number}"] == 0
        assert counts[f"closes_{number}"] == {"1000": number}


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.e2e
def test_a_killed_worker_costs_the_segment_that_it_had_time_and_nothing_is_lost(tmp_path: Path) -> None:
    written = run(tmp_path, "recovery", "--stage", "translation", "--kills", "1", "--sessions", "2")
    assert written["name"] == "recovery"
    figures, counts = written["figures"], written["counts"]
    assert counts["kills_translation"] == 1
    assert figures["recovery_translation_ms"]["n"] >= 1
    assert figures["recovery_ms"]["p50"] > 0
    assert figures["undisturbed_first_audio_ms"]["n"] >= 4
    assert counts["segments"] >= 8
    assert [counts[name] for name in ("missing", "doubled", "out_of_order", "dropped")] == [0, 0, 0, 0]


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.e2e
def test_a_live_speaker_is_measured_alone_beside_files_and_beside_a_flood(tmp_path: Path) -> None:
    written = run(tmp_path, "fairness", "--iterations", "2")
    check(written, "fairness")
    figures, counts = written["figures"], written["counts"]
    assert {figures[f"queue_{beside}_ms"]["n"] > 0 for beside in ("alone", "files", "flood")} == {True}
    assert (counts["files_finished"], counts["file_problems"]) == (2, {})
    assert figures["file_s"]["p50"] > 5
    assert figures["file_s"]["unit"] == "s"
    assert counts["missing_files"] == 0


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


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.e2e
def test_nothing_is_lost_by_resets_and_gateways_that_die(tmp_path: Path) -> None:
    written = run(tmp_path, "resume", "--disconnects", "20", "--sessions", "2")
    check(written, "resume")
    figures, counts = written["figures"], written["counts"]
    assert counts["disconnects_reset"] >= 10
    assert counts["gateways_killed"] >= 1
    assert counts["segments"] >= 6 * UTTERANCES
    assert [counts[name] for name in ("missing", "unlike", "doubled", "out_of_order", "skipped")] == [0] * 5
    assert (counts["lost_speech_ms"], counts["dropped"], counts["failures"]) == (0, 0, {})
    assert figures["again_reset_ms"]["n"] >= 10


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
    report.add({"way_ms_64": [1], "gateway_cpu_64": [5], "client_frame_us_64": [20], "file_s": [9]})
    assert {name: figure["unit"] for name, figure in report.figures.items()} == {
        "way_ms": "ms",
        "peak_mb": "MB",
        "voice_rtf": "s/s",
        "window_ratio": "x",
        "way_ms_64": "ms",
        "gateway_cpu_64": "ms/s",
        "client_frame_us_64": "µs",
        "file_s": "s",
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


@pytest.mark.parametrize("listed", ["0", "1,x", "16,9999"])
def test_numbers_of_sessions_that_make_no_sense_are_refused(listed: str) -> None:
    with pytest.raises(typer.BadParameter, match="numbers from 1 to 512"):
        numbers(listed)


def test_every_session_speaks_at_least_three_times_and_no_longer_than_allowed() -> None:
    assert levels.utterances(20, 1000) == 21
    assert levels.utterances(20, 60) * UTTERANCE_MS <= 60_000
    assert levels.utterances(1, 1) == 3


def test_two_devices_have_a_worker_of_each_stage(tmp_path: Path) -> None:
    path = tmp_path / "topology.toml"
    path.write_text(topology_text(200, ("cpu0", "cpu1")))
    loaded = topology.load(path)
    assert sorted(loaded.queues)[:2] == ["stt.cpu0", "stt.cpu1"]
    assert {entry.concurrency for entry in loaded.workers} == {64}
    assert len(loaded.workers) == 6


# What processes cost


def test_a_process_is_known_by_its_command_line() -> None:
    assert role([sys.executable, "-P", "-m", "bridge.cli", "worker", "stt-cpu0"]) == "worker"
    assert role([sys.executable, "-P", "-m", "bridge.cli", "gateway"]) == "gateway"
    assert role([sys.executable, "-P", "-m", "bridge.cli.bench.load", "http://127.0.0.1:1"]) == "load"
    assert role(["/usr/bin/redis-server", "127.0.0.1:6400"]) == "redis"


def test_the_cpu_time_of_a_process_is_what_it_used() -> None:
    meter = Meter({os.getpid(): "tests", 2**22 + 1: "gone"})
    assert meter.read() == {}
    before, since, until = time.process_time(), time.monotonic(), time.process_time() + 0.2
    while time.process_time() < until:
        pass
    rates = meter.read()
    used, passed = time.process_time() - before, time.monotonic() - since
    assert rates["tests"] == pytest.approx(used / passed, abs=0.03 / passed)
    assert rates["others"] >= 0
    assert cpu_seconds(2**22 + 1) is None


def test_what_other_processes_take_is_told_apart() -> None:
    burning = "import time\nwhile time.process_time() < 60: pass"
    with subprocess.Popen([sys.executable, "-S", "-c", burning]) as child:
        meter = Meter({os.getpid(): "tests"})
        meter.read()
        before = cpu_seconds(child.pid) or 0.0
        since = time.monotonic()
        while (used := (cpu_seconds(child.pid) or 0.0) - before) < 0.1:
            pass
        rates = meter.read()
        passed = time.monotonic() - since
        child.kill()
    assert rates["others"] >= (used - 0.05) / passed


def test_only_a_child_that_runs_is_alive() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        assert lives(child.pid, os.getpid())
        assert not lives(child.pid, os.getppid())
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not lives(child.pid, os.getpid())
