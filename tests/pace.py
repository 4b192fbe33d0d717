"""How long a test may take, and how tests are dealt out to processes that run beside each other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

QUICK = 2.0
CEILINGS = {"slow": None, "browser": 15.0, "e2e": 10.0, "provider": 10.0}
"""Seconds of the call alone, by mark; the longest of a test's marks counts."""

HEAVY = ("browser", "e2e", "bridge/cli", "bridge/tasks", "deployment")
"""Folders to begin with, so that no long one is left to a single process at the end."""


SHARING = {
    "embedded": {f"tests/e2e/test_{name}.py" for name in ("logs", "partials", "trace", "translate")},
    "simulated": {f"tests/e2e/test_{name}.py" for name in ("playback", "status", "tracing")},
}
"""By the system that they use, files of tests for which it would else be started in each process: 5 s alone,
14 s beside the others."""


def patience() -> float:
    """Factor for all limits: how much slower than alone on an idle machine tests may run here."""
    return float(os.environ.get("TEST_PATIENCE", "1"))


def limit(item: pytest.Item) -> float | None:
    """Seconds that the call of this test may take; None for one that may take as long as it does."""
    marked = [seconds for mark, seconds in CEILINGS.items() if item.get_closest_marker(mark)]
    if None in marked:
        return None
    return max((seconds for seconds in marked if seconds is not None), default=QUICK) * patience()


def complaint(item: pytest.Item, took: float) -> str:
    """What is wrong with a test that passed after so many seconds; empty if nothing is."""
    allowed = limit(item)
    if allowed is None or took <= allowed:
        return ""
    return (
        f"{item.nodeid} passed, but took {took:.1f} s where {allowed:g} s are allowed. "
        "Let it wait for less (time as an argument, shared processes, a smaller model), or mark it by what "
        f"it needs ({', '.join(CEILINGS)}). On a machine that is busy: TEST_PATIENCE=3 make test"
    )


def weight(item: pytest.Item) -> int:
    """Place of a test's folder in HEAVY."""
    folder = item.path.parent.relative_to(Path(__file__).parent).as_posix()
    return HEAVY.index(folder) if folder in HEAVY else len(HEAVY)


def step_back(item: pytest.Item) -> None:
    """Gives way to the process with the browser, for good: no process can take that back."""
    if "PYTEST_XDIST_WORKER" in os.environ and not item.get_closest_marker("browser") and os.nice(0) < 5:
        os.nice(5 - os.nice(0))


class Rooms(LoadScopeScheduling):  # type: ignore[misc]
    """Deals out the tests file by file. Those with a browser stay in one process: they hear in real time,
    and two browsers beside each other would make each other stutter on a machine of two cores. It takes
    others when they are done. Files of SHARING stay together, so that their system is started once."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, _ = nodeid.partition("::")
        if file.startswith("tests/browser/"):
            return "tests/browser"
        return next((system for system, files in SHARING.items() if file in files), file)
