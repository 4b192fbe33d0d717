"""The workers: whom a gateway counts, who has metrics, and what they say of themselves in Redis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bridge.cli.status.kept import Kept
from bridge.cli.status.look import Gpu, Worker, in_order
from bridge.cli.status.numbers import Numbers, whole
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
    busy, idle = (whole(page.get("bridge_worker_threads", state=state)) for state in ("busy", "idle"))
    stage, device, provider = (facts.get(label, "") for label in ("stage", "device", "provider"))
    resident = whole(page.get("bridge_models_resident"))
    slots = None if busy is None or idle is None else busy + idle
    made = Worker(name, stage, device, provider, resident, busy, slots, gpu=_gpu(page))
    if record is None or kept is None:
        return made
    return replace(
        made,
        stage=record.stage,
        device=record.device,
        provider=record.provider,
        models=record.models or resident,
        busy=len(kept.sighting.running.get(name, ())) if slots is None else busy,
        slots=record.slots if slots is None else slots,
        ahead_ms=record.ahead_ms,
        draining=record.draining,
        connected=kept.sighting.listening.get(name),
    )


def _gpu(page: Numbers) -> Gpu | None:
    busy = page.get("bridge_gpu_utilization_ratio")
    used, most = (whole(page.get("bridge_gpu_memory_bytes", kind=kind)) for kind in ("used", "total"))
    return None if busy is None and used is None else Gpu(busy, used, most)
