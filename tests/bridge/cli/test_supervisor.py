"""The supervisor, with small real processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from bridge.cli.logfile import MAX_BYTES, LogFile
from bridge.cli.supervisor import DEATHS, Child, Restarts, Supervisor
from bridge.errors import BridgeError

FOREVER = "import time\nprint('up', flush=True)\ntime.sleep(600)"


def python(name: str, folder: Path, program: str, grace: float = 5.0) -> Child:
    return Child(name, (sys.executable, "-c", program), folder / f"{name}.log", grace=grace)


def gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


async def until(true: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # another process changes it
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(said: list[str]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(said.append)
    try:
        yield supervisor
    finally:
        await supervisor.stop()


def test_waits_between_restarts_double_up_to_ten_seconds() -> None:
    restarts = Restarts()
    waits = [restarts.died(now=float(number), lived=0.1) for number in range(8)]
    assert waits == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0])


def test_child_that_lived_for_a_minute_is_restarted_quickly_again() -> None:
    restarts = Restarts()
    for number in range(6):
        restarts.died(now=float(number), lived=0.1)
    assert restarts.died(now=100.0, lived=90.0) == pytest.approx(0.2)


def test_only_deaths_within_a_minute_are_hopeless() -> None:
    slow, quick = Restarts(), Restarts()
    for number in range(DEATHS):
        slow.died(now=number * 20.0, lived=15.0)
        quick.died(now=number * 10.0, lived=5.0)
    assert not slow.hopeless
    assert quick.hopeless


def test_killed_child_is_restarted_and_the_others_keep_their_pids(tmp_path: Path) -> None:
    async def scenario() -> None:
        said: list[str] = []
        async with running(said) as supervisor:
            supervisor.start(python("a", tmp_path, FOREVER), python("b", tmp_path, FOREVER))
            await until(lambda: len(supervisor.pids()) == 2)
            before = supervisor.pids()
            os.kill(before["a"], signal.SIGKILL)
            await until(lambda: supervisor.pids().get("a", before["a"]) != before["a"])
            assert supervisor.pids()["b"] == before["b"]
        assert len(said) == 1
        assert said[0].startswith("a ended by SIGKILL; starting it again in 0.2 s")

    asyncio.run(scenario())


def test_child_that_keeps_dying_at_start_fails_with_its_own_error_and_remedy(tmp_path: Path) -> None:
    program = "import sys; print('error: no engine\\n→ apt-get install engine', file=sys.stderr); sys.exit(1)"

    async def scenario() -> None:
        async with running([]) as supervisor:
            supervisor.start(python("stt", tmp_path, program))
            await supervisor.until(lambda: False, 30)

    with pytest.raises(BridgeError) as caught:
        asyncio.run(scenario())
    assert caught.value.message == "stt ended with code 1: no engine (5 times)"
    assert caught.value.hint == f"apt-get install engine The log is {tmp_path / 'stt.log'}."


def test_what_is_not_ready_in_time_is_a_timeout(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running([]) as supervisor:
            supervisor.start(python("a", tmp_path, FOREVER))
            await supervisor.until(lambda: True, 0.3)
            with pytest.raises(TimeoutError):
                await supervisor.until(lambda: False, 0.3)

    asyncio.run(scenario())


def test_later_tiers_are_stopped_first(tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    program = """
import signal, sys, time
def stop(*_):
    time.sleep({wait})
    open({ended!r}, "a").write({name!r} + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(600)
"""

    async def scenario() -> None:
        async with running([]) as supervisor:
            for name, wait in (("redis", 0), ("worker", 0.3), ("gateway", 0.3)):
                supervisor.start(
                    python(name, tmp_path, program.format(wait=wait, ended=str(ended), name=name))
                )
                log = tmp_path / f"{name}.log"
                await until(lambda log=log: log.exists() and "ready" in log.read_text())  # type: ignore[misc]

    asyncio.run(scenario())
    assert ended.read_text().split() == ["gateway", "worker", "redis"]


def test_child_that_ignores_sigterm_is_killed_with_its_helpers_after_the_grace(tmp_path: Path) -> None:
    program = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
stubborn = "import signal, time; signal.signal(15, 1); time.sleep(600)"
helper = subprocess.Popen([sys.executable, "-c", stubborn])
print("helper", helper.pid, flush=True)
time.sleep(600)
"""

    async def scenario() -> tuple[int, int, float]:
        supervisor = Supervisor(lambda line: None)
        supervisor.start(python("a", tmp_path, program, grace=0.3))
        log = tmp_path / "a.log"
        await until(lambda: log.exists() and log.read_text().endswith("\n"))
        pid, helper = supervisor.pids()["a"], int(log.read_text().split()[1])
        since = time.monotonic()
        await supervisor.stop()
        return pid, helper, time.monotonic() - since

    pid, helper, seconds = asyncio.run(scenario())
    assert gone(pid)
    asyncio.run(until(lambda: gone(helper), seconds=2))
    assert 0.3 <= seconds < 3


def test_helpers_of_a_dead_child_are_gone_before_it_is_restarted(tmp_path: Path) -> None:
    program = """
import subprocess, sys, time
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("helper", helper.pid, flush=True)
time.sleep(600)
"""

    async def scenario() -> None:
        log = tmp_path / "a.log"
        async with running([]) as supervisor:
            supervisor.start(python("a", tmp_path, program))
            await until(lambda: log.exists() and log.read_text().endswith("\n"))
            helper = int(log.read_text().split()[1])
            os.kill(supervisor.pids()["a"], signal.SIGKILL)
            await until(lambda: log.read_text().count("helper") == 2)
            assert gone(helper)

    asyncio.run(scenario())


@pytest.mark.serial
def test_stop_during_the_wait_before_a_restart_returns_at_once(tmp_path: Path) -> None:
    async def scenario() -> float:
        said: list[str] = []
        supervisor = Supervisor(said.append)
        supervisor.start(python("a", tmp_path, "raise SystemExit(3)"))
        await until(lambda: any("0.8 s" in line for line in said))
        since = time.monotonic()
        await supervisor.stop()
        return time.monotonic() - since

    assert asyncio.run(scenario()) < 0.5


def test_once_settled_no_child_is_given_up(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        said: list[str] = []
        async with running(said) as supervisor:
            supervisor.settled()
            supervisor.start(python("a", tmp_path, "raise SystemExit(3)"))
            await until(lambda: len(said) >= DEATHS)
        return said

    assert "starting it again in 3.2 s" in asyncio.run(scenario())[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not end a child with its parent")
def test_kill_9_of_the_supervisor_leaves_no_child(tmp_path: Path) -> None:
    program = f"""
import asyncio, sys
from pathlib import Path
from bridge.cli.supervisor import Child, Supervisor
async def main():
    supervisor = Supervisor(print)
    forever = (sys.executable, "-c", "import time; time.sleep(600)")
    supervisor.start(*(Child(name, forever, Path({str(tmp_path)!r}) / name) for name in "ab"))
    while len(supervisor.pids()) < 2:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    print(*supervisor.pids().values(), flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=3)
    assert not alive


def test_warnings_of_a_child_reach_the_console_and_the_rest_its_log_only(tmp_path: Path) -> None:
    program = "print('12:00 [info     ] loaded'); print('12:00 [warning  ] slow', flush=True)\n" + FOREVER

    async def scenario() -> list[str]:
        said: list[str] = []
        async with running(said) as supervisor:
            supervisor.start(python("tts", tmp_path, program))
            await until(lambda: "up" in (tmp_path / "tts.log").read_text() if said else False)
        return said

    assert asyncio.run(scenario()) == ["tts: 12:00 [warning  ] slow"]
    assert "loaded" in (tmp_path / "tts.log").read_text()


def test_log_of_the_run_before_is_kept_as_one_older_file(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    for text in (b"first\n", b"second\n", b"third\n"):
        LogFile(path, lambda line: None).write(text)
    assert path.read_bytes() == b"third\n"
    assert (tmp_path / "a.log.1").read_bytes() == b"second\n"
    assert len(list(tmp_path.iterdir())) == 2


def test_log_never_grows_beyond_its_bound(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", lambda line: None)
    for _ in range(5):
        log.write(b"x" * (MAX_BYTES // 2 - 1) + b"\n")
    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= MAX_BYTES


def test_line_cut_between_two_writes_is_passed_on_whole(tmp_path: Path) -> None:
    seen: list[str] = []
    log = LogFile(tmp_path / "a.log", seen.append)
    log.write(b"12:00 [err")
    assert seen == []
    log.write("or    ] größe".encode()[:-2])
    log.write("ße\n".encode()[1:])
    log.end()
    assert len(seen) == 1
    assert seen[0].startswith("12:00 [error    ] gr")
