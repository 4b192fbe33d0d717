"""What this process may use: the limits of its container (cgroup v2 or v1), else all of the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def memory(root: Path = ROOT) -> int:
    """Bytes."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    held = (_text(group / name) for group, name in _memory_files(root))
    # v1 has no word for "no limit": it is the largest number of pages there is.
    return min([machine, *(int(each) for each in held if each.isdigit())])


def cores(root: Path = ROOT) -> float:
    """Cores that may be busy all the time, parts of one included."""
    machine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([float(machine), *_shares(root)])


def _memory_files(root: Path) -> Iterator[tuple[Path, str]]:
    yield from ((group, "memory.max") for group in _groups(root, ""))
    yield from ((group, "memory.limit_in_bytes") for group in _groups(root, "memory"))


def _shares(root: Path) -> Iterator[float]:
    """Quota by period of each group that has one."""
    found = [_text(group / "cpu.max").split() for group in _groups(root, "")]
    for group in _groups(root, "cpu"):
        found.append([_text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")])
    for words in found:
        if len(words) == 2 and all(each.isdigit() for each in words):
            yield int(words[0]) / int(words[1])


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folder of the process's group and those above it, each of which may have a limit; `controller` is
    "" for v2. In a container the path may be one of the host's: then the top is its own group."""
    top = root / "sys/fs/cgroup" / controller
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            inner = Path(path.lstrip("/"))
            yield from (top / each for each in (inner, *inner.parents))
            return
    yield top


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
