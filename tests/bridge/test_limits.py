"""What a process may use is the least of what its container, those around it and the machine allow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge import limits

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
CORES = len(os.sched_getaffinity(0))


def tree(root: Path, **files: str) -> Path:
    """A file system with these files, `__` standing for a slash."""
    for name, text in files.items():
        file = root / name.replace("__", "/").replace("DOT", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    return root


def test_without_groups_it_is_the_machine(tmp_path: Path) -> None:
    assert (limits.memory(tmp_path), limits.cores(tmp_path)) == (MACHINE, CORES)


def test_a_container_sees_its_own_group_at_the_top(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        proc__self__cgroup="0::/",
        sys__fs__cgroup__memoryDOTmax="1000000",
        sys__fs__cgroup__cpuDOTmax="50000 100000",
    )

    assert (limits.memory(root), limits.cores(root)) == (1_000_000, 0.5)


def test_the_least_of_the_groups_around_it_counts(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        proc__self__cgroup="0::/a/b",
        sys__fs__cgroup__a__b__memoryDOTmax="3000000",
        sys__fs__cgroup__a__memoryDOTmax="2000000",
        sys__fs__cgroup__a__b__cpuDOTmax="max 100000",
        sys__fs__cgroup__a__cpuDOTmax="25000 100000",
    )

    assert (limits.memory(root), limits.cores(root)) == (2_000_000, 0.25)


def test_max_is_no_limit(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        proc__self__cgroup="0::/",
        sys__fs__cgroup__memoryDOTmax="max",
        sys__fs__cgroup__cpuDOTmax="max 100000",
    )

    assert (limits.memory(root), limits.cores(root)) == (MACHINE, CORES)


@pytest.mark.parametrize("path", ["/", "/docker/0123"])
def test_the_older_kind_of_groups_is_read_also_where_the_path_is_that_of_the_host(
    tmp_path: Path, path: str
) -> None:
    root = tree(
        tmp_path,
        proc__self__cgroup=f"5:memory:{path}\n4:cpu,cpuacct:{path}\n0::{path}",
        sys__fs__cgroup__memory__memoryDOTlimit_in_bytes="4000000",
        sys__fs__cgroup__cpu__cpuDOTcfs_quota_us="30000",
        sys__fs__cgroup__cpu__cpuDOTcfs_period_us="100000",
    )

    assert (limits.memory(root), limits.cores(root)) == (4_000_000, 0.3)


def test_the_older_kind_of_groups_is_read_where_the_path_says(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        proc__self__cgroup="5:memory:/a\n4:cpu,cpuacct:/a",
        sys__fs__cgroup__memory__a__memoryDOTlimit_in_bytes="5000000",
        sys__fs__cgroup__cpu__a__cpuDOTcfs_quota_us="40000",
        sys__fs__cgroup__cpu__a__cpuDOTcfs_period_us="100000",
    )

    assert (limits.memory(root), limits.cores(root)) == (5_000_000, 0.4)


def test_its_words_for_no_limit_are_understood(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        proc__self__cgroup="5:memory:/\n4:cpu:/",
        sys__fs__cgroup__memory__memoryDOTlimit_in_bytes="9223372036854771712",
        sys__fs__cgroup__cpu__cpuDOTcfs_quota_us="-1",
        sys__fs__cgroup__cpu__cpuDOTcfs_period_us="100000",
    )

    assert (limits.memory(root), limits.cores(root)) == (MACHINE, CORES)


def test_on_this_machine_there_is_something_to_use() -> None:
    assert 0 < limits.memory() <= MACHINE
    assert 0 < limits.cores() <= CORES
