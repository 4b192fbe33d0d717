"""What every process of ours measures of itself, where METRICS is on: its release, its limits, its Redis."""

from __future__ import annotations

from importlib.metadata import version

from prometheus_client import disable_created_metrics

from bridge import limits
from bridge.metrics.process import BUILD, CPU_LIMIT, MEMORY_LIMIT
from bridge.settings import Settings
from bridge.store import timed


def begin(settings: Settings) -> None:
    """Before the process makes its clients of Redis; where METRICS is off, nothing is timed."""
    timed.begin(settings.metrics)
    if settings.metrics:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a further series for each that counts, which nobody asks for
        BUILD.labels(version("speechbridge")).set(1)
        MEMORY_LIMIT.set(limits.memory())
        CPU_LIMIT.set(limits.cores())
