"""How many utterances a second a stack completes that is always busy."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from itertools import pairwise

from bridge.cli.bench.arms import Arm, arms
from bridge.cli.bench.crowd import Crowd
from bridge.cli.bench.ear import Account
from bridge.cli.bench.processes import Meter, children
from bridge.cli.bench.report import Report
from bridge.types import STAGES

ROLES = ("gateway", "worker", "redis", "load", "others")
"""Whose cores are counted; `load` is the client, `others` have nothing to do with the benchmark."""
SPEED = 100
"""Speech is sent up to so many times faster than it is spoken: the gateway takes it as it has room."""
AHEAD_SECONDS = "10"
"""Speech that the gateway takes of each before it is cut: more would only be waited for in the end."""
WARM_SECONDS = 5.0
"""Before what counts: connections open, queues fill."""


def measure(report: Report, sessions: int, seconds: float, real: bool, url: str = "") -> None:
    """Adds `utterance_rate`, one sample for each second, and what was lost."""
    variables = {"SESSION_AHEAD_SECONDS": AHEAD_SECONDS}
    engines_ms = None if real else {stage: 0 for stage in map(str, STAGES)}
    with arms({"": variables}, engines_ms, sessions, url) as stacks:
        _run(report, stacks[0], sessions, seconds)


def _run(report: Report, arm: Arm, sessions: int, seconds: float) -> None:
    with Crowd(arm.url, sessions, speed=SPEED) as crowd:
        crowd.speaking.wait(WARM_SECONDS)
        time.sleep(WARM_SECONDS)
        here = os.getpid()
        meter = Meter(children(here) | {here: "benchmark"})
        meter.read()
        began = time.monotonic()
        marks = [(began, completed(crowd.accounts))]
        cores: dict[str, list[float]] = {f"{role}_cores": [] for role in ROLES}
        while (now := time.monotonic()) < began + seconds and not crowd.over:
            time.sleep(max(0.0, marks[-1][0] + 1 - now))
            marks.append((time.monotonic(), completed(crowd.accounts)))
            for role, rate in meter.read().items():
                if role in ROLES:
                    cores[f"{role}_cores"].append(round(rate, 3))
        crowd.finish()
        crowd.wait()
    report.add({"utterance_rate": rates(marks)} | cores)
    (first, before), (last, after) = marks[0], marks[-1]
    report.add({"utterance_mean_rate": [round((after - before) / (last - first), 2)]})
    report.count({"utterances": after - before, "dropped": crowd.dropped})
    report.count({"unheard": sum(bool(each.text) and not each.whole for each in crowd.accounts)})


def completed(accounts: Sequence[Account]) -> int:
    """How many were heard whole."""
    return sum(each.whole for each in accounts)


def rates(marks: Sequence[tuple[float, int]]) -> list[float]:
    """Utterances per second between each two of (time, how many so far)."""
    steps = pairwise(marks)
    return [round((after - before) / (later - sooner), 2) for (sooner, before), (later, after) in steps]
