"""Pages of metrics as numbers by series, and how much they grew from one look to the next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache

from prometheus_client.parser import text_string_to_metric_families

Labels = tuple[tuple[str, str], ...]

START = "process_start_time_seconds"
READ = frozenset(
    f"bridge_{name}"
    for name in (
        *("sessions_active", "connections", "output_queue_bytes", "waiting_segments", "pressure_level"),
        *("first_audio_seconds", "segment_latency_seconds", "ear_latency_seconds", "barge_in_seconds"),
        *("stage_queue_seconds", "stage_duration_seconds", "event_loop_lag_seconds", "slo_seconds"),
        *("segments_total", "errors_total", "drafts_total", "shed_total", "redispatches_total"),
        *("queue_workers", "queue_slots", "queue_running", "queue_length", "queue_oldest_seconds"),
        *("worker_info", "breaker_state", "worker_threads", "models_resident", "build_info"),
        *("gpu_memory_bytes", "gpu_utilization_ratio"),
        *("redis_up", "redis_memory_bytes", "redis_connections"),
    )
)
"""The series that are read, of some more that a page has."""
_PARTS = ("_bucket", "_sum", "_count")
_GROWING = ("_total", *_PARTS)


class Numbers:
    """Values by series, of one process or of several together."""

    def __init__(self, series: Mapping[str, Mapping[Labels, float]]) -> None:
        self._series = series

    def __bool__(self) -> bool:
        return bool(self._series)

    def items(self) -> Iterable[tuple[str, Labels, float]]:
        """Name, labels and value of each."""
        for name, values in self._series.items():
            for labels, value in values.items():
                yield name, labels, value

    def labels(self, name: str) -> list[dict[str, str]]:
        """The labels of each one of this name."""
        return [dict(labels) for labels in self._series.get(name, ())]

    def get(self, name: str, **labels: str) -> float | None:
        """The sum of those with these labels, among others; None where there is none, or one is unknown."""
        wanted = labels.items()
        found = [
            value for given, value in self._series.get(name, {}).items() if wanted <= dict(given).items()
        ]
        return sum(found) if found and not any(map(math.isnan, found)) else None

    def by(self, name: str, label: str) -> dict[str, float]:
        """The sums by one label."""
        found: dict[str, float] = {}
        for given, value in self._series.get(name, {}).items():
            key = dict(given).get(label, "")
            found[key] = found.get(key, 0.0) + value
        return found

    def buckets(self, name: str, **labels: str) -> list[tuple[float, float]]:
        """Edges of a histogram and the sums of what lies below each, in their order."""
        wanted = labels.items()
        found: dict[float, float] = {}
        for given, value in self._series.get(f"{name}_bucket", {}).items():
            its = dict(given)
            if wanted <= its.items():
                edge = float(its.get("le", "nan"))
                found[edge] = found.get(edge, 0.0) + value
        return sorted(found.items())


def parsed(text: str) -> Numbers:
    """The page of a process. Raises ValueError for what is none."""
    series: dict[str, dict[Labels, float]] = {}
    for line in text.splitlines():
        head, _, value = line.rpartition(" ")
        if (found := _series(head)) is not None:
            name, labels = found
            series.setdefault(name, {})[labels] = float(value)
    return Numbers(series)


@lru_cache(maxsize=50_000)  # the same at each look: reading them anew takes 10 ms for each process
def _series(head: str) -> tuple[str, Labels] | None:
    """Name and labels of a line, from what stands before its value; None for one that nobody shows."""
    name = head.partition("{")[0]
    part = next((part for part in _PARTS if name.endswith(part)), "")
    if name != START and name.removesuffix(part) not in READ:
        return None
    (family,) = text_string_to_metric_families(f"{head} 0\n")
    return name, tuple(sorted(family.samples[0].labels.items()))


def whole(value: float | None) -> int | None:
    """A number of things, or of bytes."""
    return None if value is None else round(value)


def total(pages: Iterable[Numbers]) -> Numbers:
    """The sums over all of them."""
    series: dict[str, dict[Labels, float]] = {}
    for page in pages:
        for name, labels, value in page.items():
            values = series.setdefault(name, {})
            values[labels] = values.get(labels, 0.0) + value
    return Numbers(series)


def increase(before: Numbers, after: Numbers) -> Numbers:
    """By how much what only grows has grown. A process that started again began at 0."""
    if before.get(START) != after.get(START):
        before = Numbers({})
    earlier = {(name, labels): value for name, labels, value in before.items()}
    grown: dict[str, dict[Labels, float]] = {}
    for name, labels, value in after.items():
        if name.endswith(_GROWING):
            was = earlier.get((name, labels), 0.0)
            more = value - was if value >= was else value
            if more > 0:
                grown.setdefault(name, {})[labels] = more
    return Numbers(grown)
