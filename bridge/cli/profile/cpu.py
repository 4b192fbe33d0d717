"""Where a process spends its time, seen from outside by py-spy."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge.errors import BridgeError
from bridge.extras import install

TOOL = "py-spy"


def command(pid: int, seconds: int, out: Path, *, top: bool = False) -> list[str]:
    """The command that looks at the process."""
    if top:
        return [TOOL, "top", "--pid", str(pid)]
    return [TOOL, "record", "--output", str(out), "--pid", str(pid), "--duration", str(seconds)]


def run(command: Sequence[str]) -> None:
    """Runs it. Raises BridgeError where py-spy is missing, or may not look at that process."""
    beside = Path(sys.executable).with_name(TOOL)
    tool = str(beside) if beside.is_file() else shutil.which(TOOL)
    shown = shlex.join(command)
    if tool is None:
        raise BridgeError(f"{TOOL} is not installed, which would run: {shown}", f"Run: {install('bench')}")
    ended = subprocess.run([tool, *command[1:]], stderr=subprocess.PIPE, text=True)
    if ended.returncode:
        said = (ended.stderr.strip().splitlines() or [f"it ended with code {ended.returncode}"])[-1]
        raise BridgeError(
            f"{TOOL} failed: {said}",
            f"A process of another user takes root, one in a container SYS_PTRACE: sudo {shown}",
        )
