"""One more process of a worker, under the profilers of NVIDIA."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bridge import topology
from bridge.cli.profile.process import environment, running
from bridge.errors import BridgeError, SettingsError
from bridge.settings import Settings

SOURCES = {
    "nsys": "https://developer.nvidia.com/nsight-systems",
    "ncu": "https://developer.nvidia.com/nsight-compute",
}
END_SECONDS = 60
"""Time for the tool to write its report."""


def command(tool: str, worker: str, seconds: int, kernels: str, out: Path) -> list[str]:
    """The whole command. Raises SettingsError for a worker that the topology does not name."""
    entry = topology.load(Settings.read().topology).worker(worker)
    ours = [sys.executable, "-P", "-m", "bridge.cli", "worker", worker, "--replica", str(entry.replicas)]
    if tool == "nsys":
        looked = ["--trace=cuda,nvtx,python-gil", "--sample=cpu", f"--duration={seconds}", f"--output={out}"]
        return ["nsys", "profile", *looked, "--force-overwrite=true", *ours]
    looked = ["--kernel-name", kernels, "--set", "full", "--target-processes", "all", "--export", str(out)]
    return ["ncu", *looked, "--force-overwrite", *ours]


def run(command: Sequence[str], worker: str, seconds: int) -> None:
    """Runs it for so long, on the Redis of a worker of that name that runs here, or of REDIS_URL.

    Raises BridgeError where the tool is missing, SettingsError where there is no Redis.
    """
    tool = command[0]
    shown = shlex.join(command)
    if shutil.which(tool) is None:
        raise BridgeError(f"{tool} is not installed, which would run: {shown}", f"Get it: {SOURCES[tool]}")
    pids = [pid for pid, name in running() if name == worker]
    variables = environment(pids[0]) if pids else dict(os.environ)
    if not variables.get("REDIS_URL"):
        raise SettingsError(
            f"No {worker} runs here, and REDIS_URL is empty.", "Start one: speechbridge up; or set REDIS_URL."
        )
    with subprocess.Popen(command, env=variables, start_new_session=True) as process:
        try:
            process.wait(timeout=seconds + END_SECONDS if tool == "nsys" else seconds)
        except subprocess.TimeoutExpired:
            _end(process)
    if process.returncode not in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
        raise BridgeError(f"{tool} ended with code {process.returncode}.", f"Try it by hand: {shown}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Lets the worker end, which lets the tool write its report."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
