"""What is measured while it runs: each series in one row, from which instant to which.

The rows are prometheus_client's own metrics in its default registry, beside those of the process and of
Python. Base units, no label of a session. docs/metrics.md is written from TABLE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

Place = Literal["gateway", "worker", "every process"]

LATENCY = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Seconds. The objectives (0.02, 0.05, 0.3, 0.4, 0.5) are edges, where a quantile is exact."""
SHORT = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds, for jitter, controls and commands of Redis."""
RATIO = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


Labels = dict[str, Sequence[str]]
"""The labels of a series and the values known beforehand: what never happened is 0 then, not absent. A label
without values comes with its first use."""


@dataclass(frozen=True, slots=True)
class Series:
    """One row of docs/metrics.md. `begins` and `ends` are the instants of a duration; `needs` is what must be
    there for it to move, "" where the embedded engines are enough."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: Labels
    at: Place
    help: str
    begins: str = ""
    ends: str = ""
    needs: str = ""


TABLE: list[Series] = []


def _row(series: Series) -> tuple[str, str, tuple[str, ...]]:
    TABLE.append(series)
    return series.name, series.help, tuple(series.labels)


def _known(metric: Counter | Gauge | Histogram, labels: Labels) -> None:
    for values in product(*labels.values()) if labels else ():
        metric.labels(*values)


def counter(name: str, help: str, labels: Labels | None = None, *, at: Place, needs: str = "") -> Counter:
    """A series that only grows; its name ends in _total."""
    labels = labels or {}
    made = Counter(*_row(Series(name, "counter", labels, at, help, needs=needs)))
    _known(made, labels)
    return made


def gauge(name: str, help: str, labels: Labels | None = None, *, at: Place, needs: str = "") -> Gauge:
    """A series that says what is now."""
    labels = labels or {}
    made = Gauge(*_row(Series(name, "gauge", labels, at, help, needs=needs)))
    _known(made, labels)
    return made


def duration(
    name: str,
    help: str,
    labels: Labels | None = None,
    *,
    at: Place,
    begins: str,
    ends: str,
    buckets: Sequence[float] = LATENCY,
    needs: str = "",
) -> Histogram:
    """Seconds from `begins` to `ends`."""
    labels = labels or {}
    series = Series(name, "histogram", labels, at, help, begins, ends, needs)
    made = Histogram(*_row(series), buckets=buckets)
    _known(made, labels)
    return made


def distribution(
    name: str,
    help: str,
    labels: Labels | None = None,
    *,
    at: Place,
    buckets: Sequence[float],
    needs: str = "",
) -> Histogram:
    """Values that are no duration."""
    labels = labels or {}
    made = Histogram(*_row(Series(name, "histogram", labels, at, help, needs=needs)), buckets=buckets)
    _known(made, labels)
    return made
