"""Where work goes: which workers can do it, and which of their queues gets it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.placement.models import holds
from bridge.placement.serving import common, lacking, missing, no_worker, serves, slots_of
from bridge.placement.strategies import Candidate, LeastLoaded, Place, Plan, Strategy, strategy
from bridge.store.registry import WorkerRecord
from bridge.types import Stage, Target

__all__ = [
    "Candidate",
    "LeastLoaded",
    "Need",
    "Place",
    "Plan",
    "Standing",
    "Strategy",
    "common",
    "lacking",
    "missing",
    "no_worker",
    "plan",
    "serves",
    "slots_of",
    "strategy",
]


@dataclass(frozen=True, slots=True)
class Need:
    """Work of a session from `stage` on, for `targets`. A source of None is to be detected, `among` these
    where there are any."""

    stage: Stage
    source: str | None
    targets: Sequence[Target] = ()
    among: Sequence[str] = ()
    session: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a queue stands: work per slot, seconds that a piece takes, and whether there is room for one."""

    load: float = 0.0
    seconds: float = 0.0
    room: bool = True


def plan(
    need: Need,
    workers: Sequence[WorkerRecord],
    standing: Callable[[str], Standing],
    by: Strategy | None = None,
    departed: Sequence[WorkerRecord] = (),
) -> dict[Place, str]:
    """The queue of each piece of work that is needed, chosen `by` a strategy: the least loaded by default.

    Counts what it has chosen itself. Where nobody serves a stage but somebody did a moment ago, of
    `departed`, work waits there for its return: it may be needed only when the stage before is done.
    Raises NoWorker where nobody serves a stage or its languages.
    """
    by = by or LeastLoaded()
    slots = slots_of([*workers, *departed])
    more = dict.fromkeys(slots, 0.0)
    chosen: dict[Place, str] = {}
    for place, voice in _places(need):
        able = _able(workers, place, need) or _able(departed, place, need)
        if not able:
            raise no_worker([place[0]])
        candidates = []
        for name, of in sorted(able.items()):
            now = standing(name)
            held = all(holds(worker.models, place[0], need.source, place[1], voice) for worker in of)
            candidates.append(
                Candidate(name, slots[name], now.load + more[name], now.seconds, now.room, held)
            )
        queue = by.choose(need.session, place, candidates, chosen)
        more[queue] += 1 / slots[queue]
        chosen[place] = queue
    return chosen


def _able(workers: Sequence[WorkerRecord], place: Place, need: Need) -> dict[str, list[WorkerRecord]]:
    """The queues that can take it, and their workers."""
    found: dict[str, list[WorkerRecord]] = {}
    for worker in workers:
        if serves(worker, place[0], need.source, place[1], need.among):
            found.setdefault(worker.queue, []).append(worker)
    return found


def _places(need: Need) -> list[tuple[Place, str | None]]:
    """What there is to do, each with the voice that was asked for."""
    first: list[tuple[Place, str | None]] = [(("stt", None), None)] if need.stage == "stt" else []
    later: list[Stage] = ["tts"] if need.stage == "tts" else ["translation", "tts"]
    return first + [((of, target.language), target.voice) for target in need.targets for of in later]
