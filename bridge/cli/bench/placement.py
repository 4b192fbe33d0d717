"""What each LOAD_BALANCE_STRATEGY makes of two devices of unequal speed, under the same load."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import Any

from bridge.cli.bench.arms import Arm
from bridge.cli.bench.crowd import Crowd
from bridge.cli.bench.ratio import ratio
from bridge.cli.bench.report import Report
from bridge.cli.bench.simulated import SPOKEN_MS, apart, simulation
from bridge.placement.strategies import NAMES
from bridge.store import keys
from bridge.store.journal import BEGIN, decode
from bridge.types import STAGES, Event

FAST_MS = {"stt": 300, "translation": 150, "tts": 200}
"""Thirteen sessions of the benchmark's speech, an utterance in 4 s, keep the fast device busy."""
FAST, SLOW = "gpu0", "gpu1"
JITTER = "0.2"
LOOK_SECONDS = 0.5
COUNTED = ("segments", "missing", "doubled", "out_of_order", "dropped")
BEGINNING, ENDING = (
    "<!-- placement: written by `speechbridge bench placement --doc` -->",
    "<!-- end of placement -->",
)


def topology(slower: float) -> str:
    """A worker of each stage on two devices, one piece at a time; the second is so many times slower."""
    return "\n".join(
        f'[[worker]]\nname = "{stage}-{device}"\nstage = "{stage}"\ndevice = "{device}"\n'
        f'env = {{SIMULATED_{stage.upper()}_MS = "{FAST_MS[stage] * times:g}"}}\n'
        for stage in STAGES
        for device, times in ((FAST, 1.0), (SLOW, slower))
    )


def measure(report: Report, sessions: Sequence[int], rounds: int, utterances: int, slower: float) -> None:
    """Adds first audio, what was lost and where work went, by strategy and number of sessions.

    The strategies take turns, each with a stack of its own. Raises BridgeError where one does not start.
    """
    with _arms(slower) as arms:
        for number in sessions:
            taken: dict[str, list[list[float]]] = {arm.name: [] for arm in arms}
            counts: dict[str, Counter[str]] = {arm.name: Counter() for arm in arms}
            for turn in range(rounds):
                for arm in arms if turn % 2 == 0 else reversed(arms):
                    first, seen = _round(arm, number, utterances)
                    taken[arm.name].append(first)
                    counts[arm.name].update(seen)
            _add(report, number, taken, counts)


@contextmanager
def _arms(slower: float) -> Iterator[list[Arm]]:
    """A stack for each strategy."""
    with ExitStack() as stacks:
        common = stacks.enter_context(simulation(FAST_MS, topology(slower)))
        common |= {"SIMULATED_JITTER": JITTER, "DRAFTS": "false", "SHED": "false"}
        yield [
            Arm(name, stack.url, FAST_MS, stack)
            for name in NAMES
            for stack in [stacks.enter_context(apart({**common, "LOAD_BALANCE_STRATEGY": name}))]
        ]


def _round(arm: Arm, sessions: int, utterances: int) -> tuple[list[float], Counter[str]]:
    """The first audio of each segment, and what is counted."""
    assert arm.stack is not None
    with Crowd(arm.url, sessions, utterances) as crowd, Went(arm.stack.redis_url, crowd) as went:
        crowd.wait()
    heard = [each.first_audio_ms for each in crowd.between("speaking", "quiet") if each.whole]
    counts = Counter({**asdict(crowd.tally(SPOKEN_MS)), "dropped": crowd.dropped, **went.counts})
    return [round(ms, 1) for ms in heard if ms is not None], counts


def _add(
    report: Report,
    number: int,
    taken: Mapping[str, Sequence[Sequence[float]]],
    counts: Mapping[str, Counter[str]],
) -> None:
    for name, rows in taken.items():
        report.add({f"{name}/first_audio_ms_{number}": [ms for row in rows for ms in row]})
        told = {
            key: counts[name][key] for key in ("segments", "missing", "doubled", "out_of_order", "dropped")
        }
        slow = {f"slow_percent_{stage}": _share(counts[name], stage) for stage in STAGES}
        report.count({f"{name}/{key}_{number}": count for key, count in {**told, **slow}.items()})
    usual, *others = taken
    for name in others:
        if all(taken[usual]) and all(taken[name]):
            report.ratios.append(ratio(f"{name}/first_audio_ms_{number}", taken[usual], taken[name]))


def _share(counts: Mapping[str, int], stage: str) -> int:
    """Per cent of the work of a stage that went to the slow device."""
    slow, fast = (counts.get(f"{stage}.{device}", 0) for device in (SLOW, FAST))
    return round(100 * slow / max(1, slow + fast))


class Went:
    """Counts while the block runs, by queue, the work that workers took for the sessions of a crowd."""

    def __init__(self, redis_url: str, crowd: Crowd) -> None:
        self.counts: Counter[str] = Counter()
        self._crowd = crowd
        self._client = keys.connect(redis_url, patient=False)
        self._after: dict[str, str] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="went")

    def __enter__(self) -> Went:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self._client.close()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            for session in filter(None, list(self._crowd.sessions.values())):
                self._look(session)

    def _look(self, session: str) -> None:
        after = self._after.get(session, BEGIN)
        entries: Any = self._client.xrange(keys.journal(session), min=f"({after}")
        for entry_id, entry in entries:
            self._after[session] = entry_id.decode()
            item = decode(entry)
            if isinstance(item, Event) and item.kind == "started":
                self.counts[item.worker.partition("@")[0].rpartition("-")[0].replace("-", ".")] += 1


def block(report: Report, sessions: Sequence[int]) -> str:
    """The table for a page of documentation: p50 / p95 of first audio, and the slow device's share of stt."""
    figures = report.figures

    def cell(name: str, number: int) -> str:
        figure = figures.get(f"{name}/first_audio_ms_{number}")
        slow = report.counts[f"{name}/slow_percent_stt_{number}"]
        heard = f"{figure['p50']:.0f} / {figure['p95']:.0f}" if figure else "none"
        return f"{heard} ({slow} %)"

    head = "".join(f" {number} sessions |" for number in sessions)
    lines = [f"| first audio, ms (work of stt on the slow device) |{head}", "|---|" + "---|" * len(sessions)]
    for name in NAMES:
        lines.append(f"| `{name}` |" + "".join(f" {cell(name, number)} |" for number in sessions))
    machine = report.machine
    where = f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gb']} GB, {report.date[:10]}"
    return "\n".join([*lines, "", f"{where}, load before the run {machine['load_1m']}."])
