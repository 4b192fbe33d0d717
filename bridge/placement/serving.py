"""Who can do a piece of work: stage and languages of workers, and what those of one queue share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bridge.errors import NoWorker
from bridge.languages import same
from bridge.store.registry import WorkerRecord
from bridge.types import STAGES, Stage


def common(workers: Sequence[WorkerRecord]) -> list[WorkerRecord]:
    """The workers, each with what all of its queue can: any of them may take what stands there.

    They differ only while one provider follows another on a queue.
    """
    queues: dict[str, list[WorkerRecord]] = {}
    for worker in workers:
        queues.setdefault(worker.queue, []).append(worker)
    return [_narrowed(worker, queues[worker.queue]) for worker in workers]


def _narrowed(worker: WorkerRecord, beside: Sequence[WorkerRecord]) -> WorkerRecord:
    others = [each for each in beside if _abilities(each) != _abilities(worker)]
    if not others:
        return worker
    languages = set(worker.languages).intersection(*(each.languages for each in others))
    pairs = set(worker.pairs).intersection(*(each.pairs for each in others))
    detects = worker.detects and all(each.detects for each in others)
    return replace(worker, languages=tuple(sorted(languages)), pairs=tuple(sorted(pairs)), detects=detects)


def _abilities(worker: WorkerRecord) -> tuple[object, ...]:
    return worker.languages, worker.pairs, worker.detects


def lacking(worker: WorkerRecord, beside: Sequence[WorkerRecord]) -> list[str]:
    """What others of its queue, that take work, can and `worker` cannot, such as `de`, `en-ca`, detection."""
    lacks: set[str] = set()
    for other in beside:
        if other.queue != worker.queue or other.draining:
            continue
        lacks |= set(other.languages) - set(worker.languages)
        lacks |= {f"{of}-{to}" for of, to in set(other.pairs) - set(worker.pairs)}
        lacks |= {"detection"} if other.detects and not worker.detects else set()
    return sorted(lacks)


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
