"""How evenly speech comes that is sent at the rate of hearing, and what that costs the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, pstdev

from bridge.cli.bench.arms import Arm, arms
from bridge.cli.bench.levels import crowded, utterances
from bridge.cli.bench.report import Report
from bridge.cli.bench.rhythm import Rhythm
from bridge.cli.bench.simulated import ENGINES_MS

SPEECH_MS = 3_500
"""Length of what is heard of each utterance, which takes 4 000 ms: nearly always somebody hears something."""


def measure(
    report: Report, numbers: Sequence[int], seconds: float, frame_ms: int, real: bool, url: str = ""
) -> None:
    """Adds the figures of each number of sessions to `report`, the number behind their names."""
    variables = {"FRAME_MS": str(frame_ms)}
    if not real:
        variables["SIMULATED_TTS_AUDIO_MS"] = str(SPEECH_MS)
    with arms({"": variables}, None if real else ENGINES_MS, max(numbers), url) as stacks:
        for number in numbers:
            _level(report, stacks[0], number, seconds, frame_ms)


def _level(report: Report, arm: Arm, number: int, seconds: float, frame_ms: int) -> None:
    crowd, cpu = crowded(arm, number, utterances(1000, seconds), frame_ms)
    figures = samples(crowd.rhythms, frame_ms) | cpu
    report.add({f"{name}_{number}": values for name, values in figures.items() if values})
    report.count({f"{name}_{number}": count for name, count in counts(crowd.rhythms).items()})
    report.count({f"dropped_sessions_{number}": crowd.dropped})


def samples(rhythms: Sequence[Rhythm], frame_ms: float) -> dict[str, list[float]]:
    """`jitter_ms`: by how much each interval differs from the length of a frame; besides, mean and standard
    deviation of the intervals, and the share of frames that did not come in time."""
    intervals = [interval for rhythm in rhythms for interval in rhythm.intervals]
    if not intervals:
        return {}
    lost = sum(rhythm.late + rhythm.missing for rhythm in rhythms)
    due = sum(rhythm.frames + rhythm.missing for rhythm in rhythms)
    return {
        "jitter_ms": [round(abs(interval - frame_ms), 3) for interval in intervals],
        "interval_mean_ms": [round(fmean(intervals), 3)],
        "interval_stdev_ms": [round(pstdev(intervals), 3)],
        "drop_ratio": [round(lost / due, 5)],
    }


def counts(rhythms: Sequence[Rhythm]) -> dict[str, int]:
    """Frames that came, that came too late to be heard in time, and that never came."""
    names = ("frames", "late", "missing")
    return {name: sum(getattr(rhythm, name) for rhythm in rhythms) for name in names}
