"""What becomes of speech when more is said than the engines can do: with SHED, and without it."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bridge.cli.bench.crowd import Crowd
from bridge.cli.bench.ear import Account
from bridge.cli.bench.faults import gateways
from bridge.cli.bench.load import UTTERANCE_MS
from bridge.cli.bench.report import Report
from bridge.cli.bench.simulated import simulated
from bridge.cli.network import converse
from bridge.cli.stack import Stack
from bridge.errors import BridgeError
from bridge.types import STAGES, Stage

SCARCE_MS = 400
"""Time of the one engine of the stage that is short: ten sessions of the benchmark's speech keep it busy."""
LESS = 0.8
"""Share of that time below which it was done with less than full effort: that takes 60 %."""
OTHERS_MS = 60
OTHERS_SLOTS = 8
CAPACITY = UTTERANCE_MS / SCARCE_MS
SERVING_SECONDS = 20.0
POLL_SECONDS = 0.1


def measure(report: Report, loads: Sequence[float], stage: Stage, utterances: int, lateness_ms: int) -> None:
    """Adds what was heard of each load, as a multiple of what the engines can do.

    `off`: without SHED. `shed`: with it, at a gateway that has measured nothing yet and so lets all in.
    `admitted`: with it, at a gateway that knows by then how many there is room for.
    """
    with _stack(stage, lateness_ms, shed=False) as stack:
        for load in loads:
            _add(report, f"off_{_named(load)}", _speak(stack, load, utterances), stage, lateness_ms)
    with _stack(stage, lateness_ms, shed=True) as stack:
        for load in loads:
            _add(report, f"shed_{_named(load)}", _speak(stack, load, utterances), stage, lateness_ms)
            if load != loads[-1]:
                _renew(stack)
        for load in [load for load in loads if load > 1]:
            crowd = _speak(stack, load, utterances)
            _add(report, f"admitted_{_named(load)}", crowd, stage, lateness_ms)
            refused = sum(not session for session in crowd.sessions.values())
            report.count({f"refused_{_named(load)}": refused})


@contextmanager
def _stack(stage: Stage, lateness_ms: int, *, shed: bool) -> Iterator[Stack]:
    times = {each: SCARCE_MS if each == stage else OTHERS_MS for each in map(str, STAGES)}
    topology = "\n".join(
        f'[[worker]]\nname = "{each}"\nstage = "{each}"\ndevice = "cpu0"\n'
        f"concurrency = {1 if each == stage else OTHERS_SLOTS}\n"
        for each in STAGES
    )
    # Drafts would be begun at a low load only, and an end that comes sooner changes what there is to do.
    with simulated(
        times,
        topology,
        connections=200,
        SHED=str(shed),
        LATENESS_MS=str(lateness_ms),
        DRAFTS="false",
        ENDPOINT="fixed",
    ) as stack:
        yield stack


def _named(load: float) -> str:
    """A load as a part of a name: 1.5 as 150, in percent."""
    return f"{load * 100:.0f}"


def _speak(stack: Stack, load: float, utterances: int) -> Crowd:
    with Crowd(stack.url, max(1, round(load * CAPACITY)), utterances) as crowd:
        crowd.wait()
    return crowd


def _add(report: Report, name: str, crowd: Crowd, stage: Stage, lateness_ms: int) -> None:
    """Lateness of what was heard, and what became of all that was said, by the clients' own reckoning.

    `quick` had less than the full effort of the engine that is short.
    """
    # The first of each session opens connections.
    said = [each for each in crowd.accounts if each.segment]
    spoken = sum(max(0, count - 1) for count in crowd.spoken.values())
    heard = [each.first_audio_ms for each in said if each.first_audio_ms is not None]
    report.add({f"lateness_{name}": [round(ms, 1) for ms in heard]})
    counted = fates(said, spoken, lateness_ms)
    report.count(
        {
            f"said_{name}": spoken,
            f"fates_{name}": counted,
            f"in_time_percent_{name}": round(100 * counted.get("in_time", 0) / max(1, spoken)),
            f"latest_ms_{name}": round(max(heard, default=0.0)),
            f"quick_{name}": sum(0 < each.timings_ms.get(stage, 0.0) < LESS * SCARCE_MS for each in said),
        }
    )


def fates(said: Sequence[Account], spoken: int, lateness_ms: int) -> dict[str, int]:
    """What became of `spoken` segments: heard `in_time` or `late`, `captions_only`, `left_out`, which was
    told, or `nothing`, of which the client heard nothing at all."""
    counts = Counter(_fate(each, lateness_ms) for each in said)
    counts["nothing"] += max(0, spoken - counts.total())
    return dict(sorted((+counts).items()))


def _fate(account: Account, lateness_ms: int) -> str:
    if account.first_audio_ms is not None:
        return "in_time" if account.first_audio_ms <= lateness_ms else "late"
    if account.failed:
        return "captions_only" if account.text else "left_out"
    return "nothing"


def _renew(stack: Stack) -> None:
    """Replaces the gateway by one that has measured nothing. Raises BridgeError where it does not come."""
    (before,) = gateways()
    os.kill(before, signal.SIGTERM)
    end = time.monotonic() + SERVING_SECONDS
    while time.monotonic() < end:
        answers = converse(stack.host, stack.port, "/readyz")
        if gateways() - {before} and answers is not None and answers[0][0] == 200:
            return
        time.sleep(POLL_SECONDS)
    raise BridgeError(f"The gateway that was ended is not back after {SERVING_SECONDS:g} s.")
