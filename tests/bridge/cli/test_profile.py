"""`speechbridge profile`: which process is meant, what is run, what is said where a tool is missing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.cli.bench.report import Report
from bridge.cli.profile import cpu, gpu, memory, pipeline
from bridge.cli.profile.process import environment, named, process
from bridge.errors import BridgeError, SettingsError
from tests.stack import wait_until

WAITS = "import sys; print(flush=True); sys.stdin.read()"


@contextmanager
def worker(
    name: str, code: str = WAITS, *, site: bool = False, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with the command line of that worker, which has said a line."""
    flags = [] if site else ["-S", "-E"]
    command = [sys.executable, *flags, "-c", code, "bridge.cli", "worker", name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | variables
    ) as started:
        assert started.stdout is not None and started.stdin is not None
        started.stdout.readline()
        yield started
        started.stdin.close()


# Which process


def test_a_worker_is_known_by_its_command_line() -> None:
    assert named([sys.executable, "-P", "-m", "bridge.cli", "worker", "stt-a", "--replica", "1"]) == "stt-a"
    assert named(["/x/bin/python", "/x/bin/speechbridge", "gateway"]) == "gateway"
    assert named([sys.executable, "-m", "bridge.cli", "up"]) == ""
    assert named(["bash"]) == ""


def test_the_process_of_a_worker_is_found_with_its_variables() -> None:
    with worker("ear-17", REDIS_URL="redis://x") as started:
        assert process("ear-17") == started.pid
        assert environment(started.pid)["REDIS_URL"] == "redis://x"
        with pytest.raises(BridgeError, match=r"No process here is mouth-17; those that run: .*ear-17"):
            process("mouth-17")


def test_of_several_processes_one_has_to_be_named() -> None:
    with worker("ear-18") as one, worker("ear-18") as two:
        with pytest.raises(BridgeError, match=f"2 processes are ear-18: .*({one.pid}|{two.pid})"):
            process("ear-18")
        assert process("ear-18", two.pid) == two.pid
    with pytest.raises(BridgeError, match="no process"):
        process("", 2**22 + 1)


# Processor


def test_py_spy_is_asked_for_a_flame_graph_of_the_process() -> None:
    words = cpu.command(7, 30, Path("profile.svg"))
    assert words == ["py-spy", "record", "--output", "profile.svg", "--pid", "7", "--duration", "30"]
    assert cpu.command(7, 30, Path("x"), top=True) == ["py-spy", "top", "--pid", "7"]


def test_without_py_spy_the_command_and_its_remedy_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BridgeError, match=r"would run: py-spy top --pid 7$|would run: py-spy top") as error:
        cpu.run(["py-spy", "top", "--pid", "7"])
    assert "[bench]" in error.value.hint


@pytest.mark.slow
def test_a_flame_graph_shows_the_function_that_takes_the_time(tmp_path: Path) -> None:
    assert Path(sys.executable).with_name("py-spy").is_file(), "make setup-dev installs it"
    burning = "def burn():\n  while True: pass\nprint(flush=True)\nburn()"
    with worker("ear-19", burning) as started:
        cpu.run(cpu.command(started.pid, 1, tmp_path / "profile.svg"))
        started.kill()
    assert "burn" in (tmp_path / "profile.svg").read_text()


# Memory


def test_a_worker_that_does_not_follow_its_memory_is_left_alone(tmp_path: Path) -> None:
    with worker("ear-20") as started:
        with pytest.raises(BridgeError, match="does not follow its memory") as error:
            memory.difference(started.pid, 0, tmp_path)
        assert "PROFILE=memory" in error.value.hint
        assert started.poll() is None


@pytest.mark.slow
def test_memory_that_grew_is_told_by_its_line(tmp_path: Path) -> None:
    growing = (
        "import time; from bridge.settings import Settings; from bridge.tasks.profile import profiling\n"
        "kept = []\n"
        "with profiling(Settings.read(), 'stt', 'ear-21'):\n"
        "    print(flush=True)\n"
        "    for _ in range(100): kept.append(bytes(100_000)); time.sleep(0.05)\n"
    )
    with worker("ear-21", growing, site=True, PROFILE="memory", DATA_DIR=str(tmp_path)) as started:
        said = memory.difference(started.pid, 1, tmp_path / "elsewhere")
        started.kill()
    total, largest, *_ = said.splitlines()
    assert float(total.split()[0]) > 500
    assert "<string>:5" in largest


# GPU


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of tools, first in the path, and a topology with the worker `voice`, twice."""
    (tmp_path / "topology.toml").write_text(
        '[[worker]]\nname = "voice"\nstage = "tts"\ndevice = "gpu1"\nreplicas = 2\n'
    )
    monkeypatch.setenv("TOPOLOGY", str(tmp_path / "topology.toml"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def test_nsys_runs_one_more_process_of_the_worker(site: Path) -> None:
    words = gpu.command("nsys", "voice", 30, "", Path("out"))
    assert words == [
        *("nsys", "profile", "--trace=cuda,nvtx,python-gil", "--sample=cpu", "--duration=30", "--output=out"),
        *("--force-overwrite=true", sys.executable, "-P", "-m", "bridge.cli", "worker", "voice"),
        *("--replica", "2"),
    ]


def test_ncu_looks_at_the_kernels_named(site: Path) -> None:
    words = gpu.command("ncu", "voice", 30, "regex:.*attention.*", Path("out"))
    assert words[:8] == [
        *("ncu", "--kernel-name", "regex:.*attention.*", "--set", "full"),
        *("--target-processes", "all", "--export"),
    ]
    with pytest.raises(SettingsError, match="names no worker 'nobody'"):
        gpu.command("ncu", "nobody", 30, "", Path("out"))


@pytest.mark.parametrize("tool", ["nsys", "ncu"])
def test_a_missing_tool_is_named_with_the_whole_command(
    tool: str, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(site))
    words = gpu.command(tool, "voice", 30, "regex:x", Path("out"))
    with pytest.raises(BridgeError, match=f"{tool} is not installed, which would run: {tool} .*--replica 2"):
        gpu.run(words, "voice", 30)


def tool(folder: Path, code: str) -> None:
    (folder / "nsys").write_text(f"#!{sys.executable} -SE\n{code}\n")
    (folder / "nsys").chmod(0o755)


def test_the_tool_runs_on_the_redis_of_the_worker_that_runs(site: Path) -> None:
    tool(site, f"import os; open({str(site / 'seen')!r}, 'w').write(os.environ['REDIS_URL'])")
    with worker("voice", REDIS_URL="redis://there"):
        gpu.run(gpu.command("nsys", "voice", 1, "", Path("out")), "voice", 1)
    assert (site / "seen").read_text() == "redis://there"


def test_without_a_worker_that_runs_a_redis_has_to_be_named(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(site, "raise SystemExit(3)")
    monkeypatch.setenv("REDIS_URL", "")
    words = gpu.command("nsys", "voice", 1, "", Path("out"))
    with pytest.raises(SettingsError, match="No voice runs here, and REDIS_URL is empty"):
        gpu.run(words, "voice", 1)
    monkeypatch.setenv("REDIS_URL", "redis://there")
    with pytest.raises(BridgeError, match="nsys ended with code 3"):
        gpu.run(words, "voice", 1)


def test_a_tool_without_an_end_of_its_own_is_ended_in_time(site: Path) -> None:
    tool(site, f"open({str(site / 'begun')!r}, 'w'); import time; time.sleep(60)")
    with worker("voice", REDIS_URL="redis://there"):
        since = time.monotonic()
        gpu.run(["nsys"], "voice", -gpu.END_SECONDS + 1)
        assert time.monotonic() - since < 5
    wait_until((site / "begun").exists, 1, "it had begun")


# Pipeline


def test_the_stages_are_a_table_of_milliseconds_and_shares() -> None:
    report = Report("pipeline", {})
    times = {"audio": 8.23, "vad": 3.45, "stt": 67.89, "translation": 12.34, "text": 28.56, "tts": 79.53}
    report.add({f"{name}_ms": [ms] for name, ms in times.items()})
    report.add({"endpoint_ms": [300], "queue_ms": [9], "after_endpoint_ms": [210], "first_audio_ms": [510]})
    assert list(pipeline.lines(report))[:12] == [
        "Audio Processing:      8.23ms ( 4.1%)  target",
        "VAD:                   3.45ms ( 1.7%)  target",
        "Speech-to-Text:       67.89ms (33.9%)  acceptable",
        "NLP:                  12.34ms ( 6.2%)  target",
        "Response Generation:  28.56ms (14.3%)  target",
        "Text-to-Speech:       79.53ms (39.8%)  target",
        "--------------------------------",
        "TOTAL LATENCY:       200.00ms  acceptable",
        "",
        "  300.00ms  silence that ends a segment",
        "    9.00ms  waits in queues",
        "  210.00ms  first audio, without that silence",
    ]


def test_what_the_gateway_does_with_speech_is_timed_on_real_speech() -> None:
    assert len(pipeline.audio(3)) == 3
    assert len(pipeline.vad()) > 100
    assert all(ms > 0 for ms in pipeline.texted(["Go forward, ten meters.", "Stop!"]))
