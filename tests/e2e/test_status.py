"""`speechbridge status` beside a running system, and as a person leaves it."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.talk import START, Peer, speech, talk
from tests.stack import Stack, clean_environment, free_port
from tests.terminal import Ended, speechbridge

pytestmark = pytest.mark.e2e

NOBODY = ("-m", "bridge.cli", "status", "--interval", "0.2", "--url")


def environment() -> dict[str, str]:
    return clean_environment() | {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0", "TERM": "xterm"}


def looked(stack: Stack, *arguments: str) -> Ended:
    environment = stack.environment | {"COLUMNS": "80"}
    return speechbridge("status", "--once", "--url", stack.url, *arguments, **environment)


def test_a_session_and_the_first_sound_of_what_was_just_said_are_seen(simulated: Stack) -> None:
    async def spoken(peer: Peer) -> tuple[Ended, Ended]:
        await peer.say(START)
        await peer.hears("session.started")
        await peer.say(speech() + bytes(32_000))
        await peer.hears("segment.done")
        machine = await asyncio.to_thread(looked, simulated, "--json")  # it has a loop of its own
        return machine, await asyncio.to_thread(looked, simulated)

    machine, person = talk(simulated, spoken)
    record: dict[str, Any] = json.loads(machine.stdout)
    first = next(timing for timing in record["timings"] if timing["name"] == "first audio")

    assert machine.returncode == person.returncode == 0
    assert record["sessions"] >= 1
    assert first["start"]["count"] >= 1
    assert 0 < first["start"]["p50"] < 10
    assert [queue["workers"] for queue in record["queues"]] == [1, 1, 1]
    assert {worker["provider"] for worker in record["workers"]} == {"simulated"}
    assert all(worker["connected"] for worker in record["workers"])
    assert "\nfirst audio " in person.stdout
    assert max(map(len, person.stdout.splitlines())) <= 80


def test_it_ends_when_nobody_reads_it_any_more() -> None:
    running = subprocess.Popen(
        [sys.executable, "-P", *NOBODY, f"http://127.0.0.1:{free_port()}", "--json"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None and running.stderr is not None
    assert json.loads(running.stdout.readline())["healthy"] is False
    running.stdout.close()
    running.wait(timeout=8)
    assert b"nobody reads the output any more" in running.stderr.read()
    running.stderr.close()


def test_in_a_terminal_it_keeps_its_place_and_ctrl_c_ends_it_quietly() -> None:
    ours, theirs = pty.openpty()
    url = f"http://127.0.0.1:{free_port()}"
    running = subprocess.Popen(
        [sys.executable, "-P", *NOBODY, url], env=environment(), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = read(ours, until=lambda text: text.count("no gateway answers") >= 2)
    running.send_signal(signal.SIGINT)
    shown += read(ours, until=lambda text: False)
    os.close(ours)

    assert running.wait(timeout=8) == 0
    assert "\x1b[1A" in shown  # it goes back to the first line, and draws anew
    assert shown.rstrip().endswith("\x1b[?25h")  # the cursor is back
    assert "Traceback" not in shown and "Abort" not in shown


def read(terminal: int, until: Callable[[str], bool]) -> str:
    """What comes from a terminal until that holds or it is closed, for 8 s at most."""
    shown, end = "", time.monotonic() + 8
    while not until(shown) and time.monotonic() < end:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            shown += os.read(terminal, 65_536).decode()
        except OSError:  # what a terminal says whose last process has gone
            break
    return shown
