"""What PROFILE writes about the tasks of a worker."""

from __future__ import annotations

import os
import pstats
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from bridge.errors import BridgeError
from bridge.settings import Settings
from bridge.tasks.profile import profiling

app = Celery("profiled", set_as_current=False)
held: list[bytearray] = []


@app.task(name="busy")
def busy(count: int) -> int:
    return inner(count)


def inner(count: int) -> int:
    return sum(range(count))


def run(task: Callable[..., Any], *arguments: Any) -> Any:
    """As a worker runs it, in this thread."""
    return task.apply(args=arguments).get()  # type: ignore[attr-defined]


def settings(folder: Path, tool: str | None) -> Settings:
    return Settings.read(data_dir=folder, profile=tool)


def functions(file: Path) -> dict[str, int]:
    """How often each function was called."""
    stats: Any = pstats.Stats(str(file))
    return {name: calls for (_, _, name), (calls, *_) in stats.stats.items()}


def test_cprofile_writes_what_the_tasks_of_a_stage_called(tmp_path: Path) -> None:
    with profiling(settings(tmp_path, "cprofile"), "stt", "stt-cpu0-0"):
        assert [run(busy, 1000) for _ in range(3)] == [499500] * 3
        inner(10)
    assert functions(tmp_path / "profile" / "stt" / "stt-cpu0-0.pstats")["inner"] == 3


def test_of_tasks_at_once_one_is_profiled_and_all_run(tmp_path: Path) -> None:
    entered, leave = threading.Event(), threading.Event()

    @app.task(name="waits")
    def waits() -> None:
        entered.set()
        leave.wait(5)

    with profiling(settings(tmp_path, "cprofile"), "tts", "w"):
        thread = threading.Thread(target=run, args=(waits,))
        thread.start()
        entered.wait(5)
        assert run(busy, 10) == 45
        leave.set()
        thread.join()
    called = functions(tmp_path / "profile" / "tts" / "w.pstats")
    assert "waits" in called
    assert "inner" not in called


def test_without_a_task_nothing_is_written(tmp_path: Path) -> None:
    with profiling(settings(tmp_path, "cprofile"), "stt", "w"):
        pass
    assert not list((tmp_path / "profile" / "stt").iterdir())


def test_memory_tells_between_two_signals_which_line_keeps_it(tmp_path: Path) -> None:
    file = tmp_path / "profile" / "translation" / "w-memory.txt"
    with profiling(settings(tmp_path, "memory"), "translation", "w"):
        os.kill(os.getpid(), signal.SIGUSR2)
        held.append(bytearray(3_000_000))
        assert not file.exists()
        os.kill(os.getpid(), signal.SIGUSR2)
    held.clear()
    total, largest, *_ = file.read_text().splitlines()
    assert 2_900 < float(total.split()[0]) < 4_000
    assert "test_profile.py" in largest
    assert signal.getsignal(signal.SIGUSR2) == signal.SIG_DFL


def test_unset_nothing_is_watched_or_written(tmp_path: Path) -> None:
    with profiling(settings(tmp_path, None), "stt", "w"):
        run(busy, 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("tool", ["torch", "nvtx"])
def test_a_tool_that_is_missing_is_named_with_what_installs_it(
    tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("torch", "torch.profiler", "torch.cuda.nvtx"):
        monkeypatch.setitem(sys.modules, name, None)
    with (
        pytest.raises(BridgeError, match="torch is not installed") as error,
        profiling(settings(tmp_path, tool), "stt", "w"),
    ):
        pass
    assert "[nllb-transformers]" in error.value.hint


@pytest.mark.slow
@pytest.mark.provider
def test_torch_records_three_of_five_tasks_twice(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    @app.task(name="multiplies")
    def multiplies() -> float:
        return float((torch.ones(64, 64) @ torch.ones(64, 64)).sum())

    with profiling(settings(tmp_path, "torch"), "translation", "w"):
        for _ in range(11):
            run(multiplies)
    traces = list((tmp_path / "profile" / "translation" / "w").glob("*.json"))
    assert [trace.read_text().count('"aten::matmul"') for trace in traces] == [3, 3]
