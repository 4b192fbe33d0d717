"""How the latency grows with the number of sessions, and what each session costs in CPU time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from bridge.cli.bench.crowd import Crowd
from bridge.cli.bench.ear import Account
from bridge.cli.bench.latency import shares
from bridge.cli.bench.load import UTTERANCE_MS
from bridge.cli.bench.processes import Meter, children
from bridge.cli.bench.report import Report
from bridge.cli.bench.simulated import ENGINES_MS, SPOKEN_MS, simulated, topology_text
from bridge.cli.stack import Stack, running
from bridge.settings import Settings

ROLES = {"gateway": "gateway_cpu", "worker": "worker_cpu", "redis": "redis_cpu", "load": "client_cpu"}
FEWEST = 3
"""Utterances of a session: one to open connections, one while the others begin, one that counts."""


def utterances(iterations: int, seconds: float) -> int:
    """How many each session says: one to begin with and `iterations`, or fewer to be over in `seconds`."""
    return max(FEWEST, min(iterations + 1, int(seconds * 1000 / UTTERANCE_MS) - 1))


def measure(report: Report, numbers: Sequence[int], iterations: int, seconds: float, real: bool) -> None:
    """Adds the figures of each number of sessions to `report`, the number behind their names."""
    with _stack(max(numbers), real) as stack:
        for number in numbers:
            crowd, cpu = _crowd(stack, number, utterances(iterations, seconds))
            accounts = [account for account in crowd.between("speaking", "quiet") if account.whole]
            named = samples(accounts, real) | cpu | {"client_frame_us": [round(crowd.frame_us, 2)]}
            report.add({f"{name}_{number}": values for name, values in named.items()})
            counts = asdict(crowd.tally(None if real else SPOKEN_MS)) | {"dropped": crowd.dropped}
            report.count({f"{name}_{number}": count for name, count in counts.items()})
            report.count({f"closes_{number}": crowd.closes_by_code()})


@contextmanager
def _stack(most: int, real: bool) -> Iterator[Stack]:
    """One for all numbers of sessions, with a thread of each engine for every session, 64 at most."""
    if real:
        with running(Settings.read()) as stack:
            yield stack
    else:
        with simulated(ENGINES_MS, topology_text(max(2, most)), connections=most + 10) as stack:
            yield stack


def _crowd(stack: Stack, number: int, count: int) -> tuple[Crowd, dict[str, list[float]]]:
    """Has so many sessions speak; also the CPU time of each role in ms per second and session.

    `others_cores` is what processes took that do not belong to the benchmark: a noisy machine.
    """
    cpu: dict[str, list[float]] = {name: [] for name in [*ROLES.values(), "others_cores"]}
    here = os.getpid()
    meter = Meter({})

    def note(mark: str) -> None:
        nonlocal meter
        if mark == "speaking":
            meter = Meter(children(here) | {here: "benchmark"})
        if mark != "quiet":
            for role, rate in meter.read().items():
                if role in ROLES:
                    cpu[ROLES[role]].append(round(rate * 1000 / number, 3))
                elif role == "others":
                    cpu["others_cores"].append(round(rate, 3))

    with Crowd(stack.url, number, count, on_mark=note) as crowd:
        crowd.wait()
    return crowd, cpu


def samples(accounts: Sequence[Account], real: bool) -> dict[str, list[float]]:
    """The times of segments that were heard whole."""
    found: dict[str, list[float]] = {}
    for account in accounts:
        if account.first_audio_ms is None or not account.done:
            continue
        row = shares(account.first_audio_ms, account.timings_ms, real)
        row |= {"queue_ms": account.timings_ms["queue"], "client_late_ms": account.client_late_ms}
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    return found
