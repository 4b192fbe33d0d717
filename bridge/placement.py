"""Where work goes: which workers can do it, and which of their queues is the least loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bridge.errors import NoWorker
from bridge.languages import same
from bridge.store.registry import WorkerRecord
from bridge.types import STAGES, Stage

Place = tuple[Stage, str | None]
"""A stage, and the target it works for (None: stt)."""


def plan(
    stage: Stage,
    source: str | None,
    targets: Sequence[str],
    workers: Sequence[WorkerRecord],
    load: Callable[[str], float],
    departed: Sequence[WorkerRecord] = (),
    among: Sequence[str] = (),
) -> dict[Place, str]:
    """The queue of each piece of work from `stage` on; `load` is work per slot of a queue.

    A source of None is to be detected, `among` these where there are any.

    Counts what it has chosen itself. Where nobody serves a stage but somebody did a moment ago, of
    `departed`, work waits there for its return: it may be needed only when the stage before is done.
    Raises NoWorker where nobody serves a stage or its languages.
    """
    slots = slots_of([*workers, *departed])
    chosen: dict[Place, str] = {}
    more = dict.fromkeys(slots, 0.0)
    for place in _places(stage, targets):
        able = _able(workers, place, source, among) or _able(departed, place, source, among)
        if not able:
            raise no_worker([place[0]])
        queue = min(able, key=lambda name: (load(name) + more[name], name))
        more[queue] += 1 / slots[queue]
        chosen[place] = queue
    return chosen


def _able(
    workers: Sequence[WorkerRecord], place: Place, source: str | None, among: Sequence[str]
) -> set[str]:
    return {worker.queue for worker in workers if serves(worker, place[0], source, place[1], among)}


def _places(stage: Stage, targets: Sequence[str]) -> list[Place]:
    first: list[Place] = [("stt", None)] if stage == "stt" else []
    later: list[Stage] = ["tts"] if stage == "tts" else ["translation", "tts"]
    return first + [(of, target) for target in targets for of in later]


def slots_of(workers: Sequence[WorkerRecord]) -> dict[str, int]:
    """How many pieces of work each queue's workers do at once."""
    slots: dict[str, int] = {}
    for worker in workers:
        slots[worker.queue] = slots.get(worker.queue, 0) + worker.slots
    return slots


def serves(
    worker: WorkerRecord, stage: Stage, source: str | None, target: str | None, among: Sequence[str] = ()
) -> bool:
    """Whether `worker` can do this stage for these languages; a source of None is to be detected, `among`
    these where there are any."""
    if worker.stage != stage:
        return False
    if stage == "stt":
        named = set(among) if source is None else {source}
        return (worker.detects or source is not None) and named <= set(worker.languages)
    if stage == "translation":
        return any(target == to and _spoken(of, to, source, among) for of, to in worker.pairs)
    return target in worker.languages


def _spoken(of: str, to: str, source: str | None, among: Sequence[str]) -> bool:
    """Whether words for `to` may be in `of`; of a conversation in two languages only the other one's are."""
    if source is not None:
        return of == source
    return not among or (of in among and not same(of, to))


def missing(workers: Sequence[WorkerRecord]) -> list[Stage]:
    """The stages without a worker."""
    return [stage for stage in STAGES if all(worker.stage != stage for worker in workers)]


def no_worker(stages: Sequence[str]) -> NoWorker:
    """The error that names them."""
    names = " and ".join(stages)
    return NoWorker(
        f"No live worker serves {names}.", f"Start one: speechbridge worker {stages[0]}-cpu0 (see `up`)."
    )


Plan = Mapping[Place, str]
