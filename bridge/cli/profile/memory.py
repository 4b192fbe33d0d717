"""What grew in the memory of a worker between two moments, as the worker itself tells."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bridge.cli.profile.process import PROC, environment
from bridge.errors import BridgeError

PATIENCE_SECONDS = 30.0
"""A snapshot of a large process takes seconds."""


def difference(pid: int, seconds: float, data_dir: Path) -> str:
    """The report that the worker writes. Raises BridgeError where it does not run with PROFILE=memory."""
    from bridge.tasks.profile import MEMORY_SIGNAL

    if not _handles(pid, MEMORY_SIGNAL):
        raise BridgeError(
            f"Process {pid} does not follow its memory.",
            "Start the worker with PROFILE=memory in its environment.",
        )
    folder = Path(environment(pid).get("DATA_DIR", data_dir)) / "profile"
    since = time.time()
    os.kill(pid, MEMORY_SIGNAL)
    time.sleep(seconds)
    os.kill(pid, MEMORY_SIGNAL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for file in folder.glob("*/*-memory.txt"):
            if file.stat().st_mtime >= since:
                return file.read_text(encoding="utf-8")
        time.sleep(0.05)
    raise BridgeError(
        f"Process {pid} wrote nothing to {folder} within {PATIENCE_SECONDS:g} s.", "Its log may say why."
    )


def _handles(pid: int, number: int) -> bool:
    """Whether the process catches the signal; one that does not would end by it."""
    try:
        status = (PROC / str(pid) / "status").read_text(encoding="utf-8")
    except OSError:
        return False
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return bool(int(caught, 16) >> (number - 1) & 1)
