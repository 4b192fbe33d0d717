"""How much later a segment is heard when the worker that has it is killed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median

from bridge.cli.bench.crowd import Crowd
from bridge.cli.bench.ear import Account
from bridge.cli.bench.load import UTTERANCE_MS
from bridge.cli.bench.report import Report
from bridge.cli.bench.simulated import ENGINES_MS, SPOKEN_MS, simulated, topology_text
from bridge.cli.bench.victims import Item, Workers
from bridge.errors import BridgeError
from bridge.types import Stage

UNDISTURBED = 4
"""Utterances of each session before the first kill, the first of which does not count."""
POLL_SECONDS = 0.004
MIDST = 0.7
"""A kill falls into the first 70 % of the engine's time, so that it meets the engine and not its report."""
READY_SECONDS = 60.0
"""Time for the stage to have two live workers again, one of them busy."""
HEARD_SECONDS = 70.0
"""More than the deadline of a segment."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A kill `at` so many seconds of time.monotonic(), and what the worker ran."""

    stage: Stage
    at: float
    items: tuple[Item, ...]


def measure(
    report: Report, stages: Sequence[Stage], kills: int, sessions: int, seconds: float, one_device: bool
) -> None:
    """Kills a busy worker of each stage in turn, `kills` of each, as many as `seconds` allow."""
    topology = topology_text(2, replicas=2) if one_device else topology_text(2, ("cpu0", "cpu1"))
    until = time.monotonic() + seconds
    with (
        simulated(ENGINES_MS, topology) as stack,
        closing(Workers(stack.redis_url)) as workers,
        Crowd(stack.url, sessions) as crowd,
    ):
        _until(crowd, lambda: len(crowd.accounts) >= UNDISTURBED * sessions, HEARD_SECONDS)
        hits = list(_kill_all(crowd, workers, stages, kills, until))
        crowd.finish()
        crowd.wait()
    report.add(samples(crowd.accounts, hits))
    report.count({f"kills_{stage}": sum(hit.stage == stage for hit in hits) for stage in stages})
    report.count(asdict(crowd.tally(SPOKEN_MS)))
    speaking = [
        hit for hit, each in of_hits(crowd.accounts, hits) if (each.first_audio_at or hit.at) < hit.at
    ]
    report.count({"in_mid_speech": len(speaking)})
    report.count({"dropped": crowd.dropped, "closes": crowd.closes_by_code()})


def _kill_all(
    crowd: Crowd, workers: Workers, stages: Sequence[Stage], kills: int, until: float
) -> Iterator[Hit]:
    """One stage after the other: while the worker of one starts again, that of another is killed."""
    chance = random.Random(0)
    left = dict.fromkeys(stages, kills)
    while any(left.values()):
        for stage in [stage for stage in stages if left[stage]]:
            hit = _kill_one(crowd, workers, stage, chance, min(until, time.monotonic() + READY_SECONDS))
            if hit is None and time.monotonic() >= until:
                return
            if hit is None:
                raise BridgeError(f"{stage}: no second worker, or none at work, within {READY_SECONDS:g} s.")
            if hit.items:
                left[stage] -= 1
                yield hit
                _until(crowd, partial(_heard, hit, crowd), HEARD_SECONDS)


def _kill_one(
    crowd: Crowd, workers: Workers, stage: Stage, chance: random.Random, until: float
) -> Hit | None:
    """Kills a worker of `stage` in the midst of its work while another lives; None where none was met."""
    while time.monotonic() < until:
        sessions = list(crowd.sessions.values())
        alive = workers.of(stage, sessions)
        victim = next((worker for worker in alive if unheard(worker.items, crowd.accounts)), None)
        if len(alive) < 2 or victim is None:
            time.sleep(POLL_SECONDS)
            continue
        time.sleep(chance.uniform(0, MIDST) * ENGINES_MS[stage] / 1000)
        if not unheard(workers.runs(victim.name, sessions), crowd.accounts):
            continue
        os.kill(victim.pid, signal.SIGKILL)
        # What it still reported in its last millisecond was not hit.
        return Hit(stage, time.monotonic(), unheard(workers.runs(victim.name, sessions), crowd.accounts))
    return None


def unheard(items: Iterable[Item], accounts: Iterable[Account]) -> tuple[Item, ...]:
    """The items whose segments are not done: a worker that started again may still stand there with the
    work of its life before."""
    done = {(account.session, account.segment) for account in accounts}
    return tuple(item for item in items if (item.session, item.segment) not in done)


def _heard(hit: Hit, crowd: Crowd) -> bool:
    return not unheard(hit.items, crowd.accounts)


def _until(crowd: Crowd, true: Callable[[], bool], seconds: float) -> None:
    """Waits until it is so, and no longer than `seconds`. Raises BridgeError where the load ended."""
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        if crowd.over:
            crowd.wait()
            raise BridgeError(f"All sessions were ended: {crowd.closes_by_code()} {crowd.refusal}".strip())
        time.sleep(0.02)


def of_hits(accounts: Iterable[Account], hits: Iterable[Hit]) -> list[tuple[Hit, Account]]:
    """Each hit with the accounts of the segments that it hit."""
    by_segment = {(account.session, account.segment): account for account in accounts}
    pairs = ((hit, by_segment.get((item.session, item.segment))) for hit in hits for item in hit.items)
    return [(hit, account) for hit, account in pairs if account is not None]


def samples(accounts: Sequence[Account], hits: Sequence[Hit]) -> dict[str, list[float]]:
    """`recovery_ms` in all and for each stage: first audio less the median before the first kill.

    Also the first audio of the undisturbed segments, and of those that were not hit after the first kill.
    Segments heard in part before the kill are left out: their first audio is not late.
    """
    first = min((hit.at for hit in hits), default=float("inf"))
    warm = [each for each in accounts if each.end_ms > UTTERANCE_MS and each.first_audio_ms is not None]
    found: dict[str, list[float]] = {"undisturbed_first_audio_ms": [], "others_first_audio_ms": []}
    hit_ones = of_hits(accounts, hits)
    struck = {id(account) for _, account in hit_ones}
    for account in warm:
        before = account.first_audio_at is not None and account.first_audio_at < first
        if id(account) not in struck:
            name = "undisturbed_first_audio_ms" if before else "others_first_audio_ms"
            found[name].append(round(account.first_audio_ms or 0.0, 2))
    usual = median(found["undisturbed_first_audio_ms"] or [0.0])
    for hit, account in hit_ones:
        if account.first_audio_at is not None and account.first_audio_at > hit.at:
            late = round((account.first_audio_ms or 0.0) - usual, 2)
            found.setdefault("recovery_ms", []).append(late)
            found.setdefault(f"recovery_{hit.stage}_ms", []).append(late)
    return found
