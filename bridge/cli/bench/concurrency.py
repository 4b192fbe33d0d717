"""How many sessions at once a stack serves before the first of them notice it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from bridge.cli.bench import levels
from bridge.cli.bench.arms import arms
from bridge.cli.bench.report import Report
from bridge.cli.bench.simulated import ENGINES_MS

RISE = 0.2
"""By so much of the first level's a level's first audio may be later (p95)."""
LOST = ("missing", "dropped")


def measure(report: Report, ramp: Sequence[int], seconds: float, real: bool, url: str = "") -> None:
    """Adds the figures of each level, and up to how many `sessions` they stay as good as at the first."""
    with arms({"": {}}, None if real else ENGINES_MS, max(ramp), url) as stacks:
        levels.measure(report, stacks, ramp, 1000, seconds)
    late = {number: report.figures.get(f"first_audio_ms_{number}", {}).get("p95") for number in ramp}
    lost = [number for number in ramp if any(report.counts[f"{what}_{number}"] for what in LOST)]
    rises = rise(late)
    worse = degraded(rises, lost)
    known = {str(number): round(by * 100) for number, by in rises.items() if by < inf}
    report.count({"rise_percent": known})
    report.count({"degraded": {str(number): 1 for number in worse}})
    report.count({"sessions": maximum(ramp, worse)})


def rise(first_audio_ms: Mapping[int, float | None]) -> dict[int, float]:
    """By how much of the first level's each level's first audio is later; without an answer by all of it."""
    first = next(iter(first_audio_ms.values()))
    return {
        number: ms / first - 1 if ms is not None and first else inf for number, ms in first_audio_ms.items()
    }


def degraded(rises: Mapping[int, float], lost: Sequence[int]) -> list[int]:
    """The levels that are worse than the first one, or at which something was lost."""
    return [number for number, by in rises.items() if by > RISE or number in lost]


def maximum(ramp: Sequence[int], worse: Sequence[int]) -> int:
    """The last level before the first one that is degraded; 0 where that is the first."""
    best = 0
    for number in ramp:
        if number in worse:
            break
        best = number
    return best
