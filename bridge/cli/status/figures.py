"""Latencies and counts of a look, each from the series that holds it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bridge.cli.status.look import ErrorCount, Late, Spread, Timing
from bridge.cli.status.numbers import Numbers
from bridge.cli.status.quantiles import beyond, quantile
from bridge.types import STAGES

WAITS = (
    ("first audio", "bridge_first_audio_seconds"),
    ("after the cut", "bridge_segment_latency_seconds"),
    ("at the ear", "bridge_ear_latency_seconds"),
)
BARGE_IN = "bridge_barge_in_seconds"
OBJECTIVES = {"segment": "bridge_segment_latency_seconds", "barge_in": BARGE_IN}
"""What is held against an objective, SLO_SEGMENT_MS and SLO_BARGE_IN_MS. The series of first audio holds the
silence that ends a segment, of which SLO_FIRST_AUDIO_MS knows nothing."""


def timings(last: Numbers, minute: Numbers, start: Numbers) -> tuple[Timing, ...]:
    """What listeners wait for first, then what the stages do."""
    return tuple(
        Timing(name, *(_spread(numbers, series, labels) for numbers in (last, minute, start)))
        for name, series, labels in _rows()
    )


def _rows() -> Iterator[tuple[str, str, dict[str, str]]]:
    for name, series in WAITS:
        yield name, series, {}
    for stage in STAGES:
        yield f"{stage} queue", "bridge_stage_queue_seconds", {"stage": stage}
        yield f"{stage} run", "bridge_stage_duration_seconds", {"stage": stage}
    yield "barge-in", BARGE_IN, {}


def _spread(numbers: Numbers, series: str, labels: dict[str, str]) -> Spread:
    buckets = numbers.buckets(series, **labels)
    count = round(numbers.get(f"{series}_count", **labels) or 0)
    return Spread(_rounded(quantile(0.5, buckets)), _rounded(quantile(0.95, buckets)), count)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)


def errors(minute: Numbers, start: Numbers) -> tuple[ErrorCount, ...]:
    """What clients were told of, the most frequent first."""
    found = []
    for labels in start.labels("bridge_errors_total"):
        now, ever = (numbers.get("bridge_errors_total", **labels) or 0 for numbers in (minute, start))
        if ever:
            found.append(ErrorCount(labels.get("stage", ""), labels.get("type", ""), round(now), round(ever)))
    return tuple(sorted(found, key=lambda each: (-each.minute, -each.total, each.stage, each.type)))


def late(minute: Numbers, views: Iterable[Numbers]) -> dict[str, Late]:
    """How the objectives were kept; where gateways differ in them, the laxest counts."""
    views = list(views)
    found = {}
    for slo, series in OBJECTIVES.items():
        bounds = [bound for view in views if (bound := view.get("bridge_slo_seconds", slo=slo)) is not None]
        buckets = minute.buckets(series)
        p95 = quantile(0.95, buckets)
        if bounds and p95 is not None:
            count = round(minute.get(f"{series}_count") or 0)
            found[slo] = Late(max(bounds), round(p95, 4), round(beyond(max(bounds), buckets)), count)
    return found
