"""How the latency grows with the number of sessions, and what each session costs in CPU time."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from bridge.cli.bench.arms import Arm
from bridge.cli.bench.crowd import Crowd
from bridge.cli.bench.ear import Account
from bridge.cli.bench.latency import shares
from bridge.cli.bench.load import UTTERANCE_MS
from bridge.cli.bench.processes import Meter, children
from bridge.cli.bench.report import Report
from bridge.cli.bench.simulated import SPOKEN_MS

ROLES = {"gateway": "gateway_cpu", "worker": "worker_cpu", "redis": "redis_cpu", "load": "client_cpu"}
FEWEST = 3
"""Utterances of a session: one to open connections, one while the others begin, one that counts."""
ROUNDS = 4
"""Turns of each of several stacks; what the machine does besides falls on all of them."""


def utterances(iterations: int, seconds: float) -> int:
    """How many each session says: one to begin with and `iterations`, or fewer to be over in `seconds`."""
    return max(FEWEST, min(iterations + 1, int(seconds * 1000 / UTTERANCE_MS) - 1))


def measure(
    report: Report, arms: Sequence[Arm], numbers: Sequence[int], iterations: int, seconds: float
) -> None:
    """Adds the figures of each arm and number of sessions, the number behind their names.

    Without numbers one session speaks, and the names are bare.
    """
    for number in numbers or [1]:
        rounds = 1 if len(arms) == 1 else min(ROUNDS, iterations)
        each = math.ceil(iterations / rounds)
        count = utterances(each, seconds / rounds) if numbers else each + 1
        taken = turns(arms, number, rounds, count)
        for arm in arms:
            taken[arm.name].report(report, arm, f"_{number}" if numbers else "")


def turns(arms: Sequence[Arm], number: int, rounds: int, count: int) -> dict[str, Takings]:
    """Has `number` sessions say `count` utterances in each round of each arm: A B, B A, A B ..."""
    taken = {arm.name: Takings() for arm in arms}
    for turn in range(rounds):
        for arm in arms if turn % 2 == 0 else reversed(arms):
            taken[arm.name].take(arm, number, count)
    return taken


class Takings:
    """What the rounds of one arm gave."""

    def __init__(self) -> None:
        self._rounds: list[dict[str, list[float]]] = []
        self._counts: Counter[str] = Counter()
        self._closes: Counter[str] = Counter()

    def take(self, arm: Arm, number: int, count: int) -> None:
        """Has `number` sessions say `count` utterances each, and adds what is seen of it."""
        crowd, cpu = crowded(arm, number, count)
        accounts = [account for account in crowd.between("speaking", "quiet") if account.whole]
        self._rounds.append(
            samples(accounts, arm.engines_ms) | cpu | {"client_frame_us": [round(crowd.frame_us, 2)]}
        )
        tally = crowd.tally(None if arm.engines_ms is None else SPOKEN_MS)
        drafts = {
            "drafts_heard": sum("draft" in account.timings_ms for account in accounts),
            "drafts_dropped": sum(account.drafts_dropped for account in accounts),
        }
        self._counts.update(asdict(tally) | {"dropped": crowd.dropped} | drafts)
        self._closes.update(crowd.closes_by_code())

    def rounds(self, name: str) -> list[list[float]]:
        """The samples of a figure, round by round."""
        return [each.get(name, []) for each in self._rounds]

    def report(self, report: Report, arm: Arm, suffix: str) -> None:
        """Adds all figures and counts, named by arm and `suffix`."""
        names = dict.fromkeys(name for each in self._rounds for name in each)
        whole = {name: [value for row in self.rounds(name) for value in row] for name in names}
        counts: dict[str, int | dict[str, int]] = {**self._counts, "closes": dict(self._closes)}
        report.add({arm.figure(name) + suffix: values for name, values in whole.items()})
        report.count({arm.figure(name) + suffix: count for name, count in counts.items()})


def crowded(arm: Arm, number: int, count: int, frame_ms: int = 0) -> tuple[Crowd, dict[str, list[float]]]:
    """Has so many sessions speak; also the CPU time of each role in ms per second and session.

    With `frame_ms` they hear at the rate of hearing, in frames of that length.
    `others_cores` is what processes took that do not belong to the arm: a noisy machine, or the other arm.
    """
    cpu: dict[str, list[float]] = {name: [] for name in [*ROLES.values(), "others_cores"]}
    here = os.getpid()
    meter = Meter({})

    def note(mark: str) -> None:
        nonlocal meter
        if mark == "speaking":
            ours = {pid: role for pid, role in children(here).items() if pid in arm.pids or role == "load"}
            meter = Meter(ours | {here: "benchmark"})
        if mark != "quiet":
            for role, rate in meter.read().items():
                if role in ROLES:
                    cpu[ROLES[role]].append(round(rate * 1000 / number, 3))
                elif role == "others":
                    cpu["others_cores"].append(round(rate, 3))

    with Crowd(arm.url, number, count, frame_ms=frame_ms, on_mark=note) as crowd:
        crowd.wait()
    return crowd, cpu


def samples(accounts: Sequence[Account], engines_ms: Mapping[str, int] | None) -> dict[str, list[float]]:
    """The times of segments that were heard whole."""
    found: dict[str, list[float]] = {}
    for account in accounts:
        if account.first_audio_ms is None or not account.done:
            continue
        speech_ms = account.end_ms - account.start_ms
        row = shares(account.first_audio_ms, account.timings_ms, engines_ms, speech_ms)
        row |= {"queue_ms": account.timings_ms["queue"], "client_late_ms": account.client_late_ms}
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    return found
