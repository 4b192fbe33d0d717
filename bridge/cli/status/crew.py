"""The workers: whom a gateway counts, who has metrics, and what they say of themselves in Redis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge.cli.status.kept import Kept
from bridge.cli.status.look import Worker, in_order
from bridge.cli.status.numbers import Numbers
from bridge.cli.status.sources import Sight
from bridge.store.registry import WorkerRecord

Facts = Mapping[str, str]


def crew(sight: Sight, views: Iterable[Numbers], kept: Kept | None) -> tuple[Worker, ...]:
    """All that anybody knows of; what is told twice is taken from Redis, which has it first."""
    known: dict[str, Facts] = {}
    pages: dict[str, Numbers] = {}
    for view in views:
        known |= {each["worker"]: each for each in view.labels("bridge_worker_info") if "worker" in each}
    for target in sight.targets:
        name = target.labels.get("worker")
        if target.job == "worker" and name is not None:
            known[name] = {**target.labels, **known.get(name, {})}
            if target.address in sight.pages:
                pages[name] = sight.pages[target.address]
    records = {record.name: record for record in kept.sighting.workers} if kept else {}
    made = [
        _worker(name, known.get(name, {}), pages.get(name, Numbers({})), records.get(name), kept)
        for name in known.keys() | records.keys()
    ]
    return tuple(sorted(made, key=lambda worker: (in_order(worker.stage), worker.device, worker.name)))


def _worker(name: str, facts: Facts, page: Numbers, record: WorkerRecord | None, kept: Kept | None) -> Worker:
    busy, idle = (page.get("bridge_worker_threads", state=state) for state in ("busy", "idle"))
    measured = None if busy is None or idle is None else (round(busy), round(busy + idle))
    many = page.get("bridge_models_resident")
    resident = None if many is None else round(many)
    if record is None or kept is None:
        stage, device, provider = (facts.get(label, "") for label in ("stage", "device", "provider"))
        return Worker(name, stage, device, provider, resident, *(measured or (None, None)))
    return Worker(
        name,
        record.stage,
        record.device,
        record.provider,
        record.models or resident,
        *(measured or (len(kept.sighting.running.get(name, ())), record.slots)),
        record.ahead_ms,
        record.draining,
        kept.sighting.listening.get(name),
    )
