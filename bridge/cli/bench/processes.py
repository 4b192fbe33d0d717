"""The processes that this one started, what each is for, and the CPU time each took."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
AFTER_NAME = {"state": 0, "ppid": 1, "utime": 11, "stime": 12}
"""Fields of /proc/PID/stat behind the name, which may hold blanks: man 5 proc."""


def children(parent: int) -> dict[int, str]:
    """The role of each child: `gateway`, `worker`, `redis`, `load`, or else the name of its program."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        with suppress(OSError):
            if lives(pid, parent):
                found[pid] = role((folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0"))
    return found


def lives(pid: int, parent: int) -> bool:
    """Whether `pid` is a child of `parent` that has not ended."""
    try:
        stat = _stat(pid)
    except OSError:
        return False
    return int(stat[AFTER_NAME["ppid"]]) == parent and stat[AFTER_NAME["state"]] != "Z"


def role(command: list[str]) -> str:
    """What a process with this command line is for."""
    if "bridge.cli" in command:
        return command[command.index("bridge.cli") + 1]
    if {"bridge.cli.bench.load", "bridge.cli.bench.audience"} & set(command):
        return "load"
    name = Path(command[0]).name
    return "redis" if name.startswith("redis-server") else name


def cpu_seconds(pid: int) -> float | None:
    """User and system time of a process with all its threads; None once it is gone."""
    try:
        stat = _stat(pid)
    except OSError:
        return None
    return (int(stat[AFTER_NAME["utime"]]) + int(stat[AFTER_NAME["stime"]])) / TICKS


def resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 once it is gone."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def busy_seconds() -> float:
    """User and system time of all processes of this machine since it started."""
    user, nice, system = Path("/proc/stat").read_text(encoding="utf-8").split(maxsplit=4)[1:4]
    return (int(user) + int(nice) + int(system)) / TICKS


class Meter:
    """CPU time by role, from one reading to the next; `others` is what the rest of the machine took."""

    def __init__(self, roles: Mapping[int, str]) -> None:
        self._roles = dict(roles)
        self._last: dict[int, float] = {}
        self._busy = 0.0
        self._at = 0.0

    def read(self) -> dict[str, float]:
        """CPU seconds per second of each role since the reading before; empty at the first one."""
        now, busy = time.monotonic(), busy_seconds()
        used = {pid: seconds for pid in self._roles if (seconds := cpu_seconds(pid)) is not None}
        passed = now - self._at
        rates: dict[str, float] = {}
        if self._at and passed > 0:
            for pid, seconds in used.items():
                rate = (seconds - self._last.get(pid, seconds)) / passed
                rates[self._roles[pid]] = rates.get(self._roles[pid], 0.0) + rate
            rates["others"] = max(0.0, (busy - self._busy) / passed - sum(rates.values()))
        self._last, self._busy, self._at = used, busy, now
        return rates
