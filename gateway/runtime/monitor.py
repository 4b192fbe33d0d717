"""What Prometheus asks of a gateway: its series, those of queues and Redis, and whom else to ask."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from prometheus_client import REGISTRY, Metric
from prometheus_client.exposition import choose_encoder

from bridge.errors import RedisUnavailable
from bridge.metrics import TABLE
from bridge.metrics import gateway as series
from bridge.placement import slots_of
from bridge.settings import Settings
from bridge.store.backlog import Backlog, Queues
from bridge.store.circuits import LEVELS
from bridge.store.gateways import Gateways
from bridge.store.registry import WorkerRecord
from gateway.runtime.backend import Backend
from gateway.runtime.pulse import Pulse
from gateway.runtime.traffic import TRAFFIC

WITHIN_SECONDS = 0.8
"""For the look into Redis: a scrape is answered within a second whether or not Redis answers."""
TELL_SECONDS = 5.0
END = b"# EOF\n"
FLEET = (
    *(series.QUEUE_WORKERS, series.QUEUE_SLOTS, series.QUEUE_RUNNING),
    *(series.QUEUE_LENGTH, series.QUEUE_OLDEST, series.WORKER, series.BREAKER, series.REDIS_MEMORY),
)
"""The series whose labels come and go."""


class Monitor:
    """One for each gateway. `queues` are those that the topology names, `address` is where others find the
    metrics of this process, "" for nowhere."""

    def __init__(self, backend: Backend, queues: Sequence[str], address: str) -> None:
        self._backend = backend
        self._named = queues
        self._address = address
        self._queues = Queues(backend.settings.redis_url)
        self._gateways = Gateways(backend.settings.redis_url)
        self._pulse = Pulse()
        self._telling: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to measure, and to tell the other gateways where."""
        _declare(self._backend.settings)
        self._pulse.start()
        if self._address:
            self._telling = asyncio.create_task(self._tell(), name="monitor")

    async def stop(self) -> None:
        """Ends; the others hear of it, where Redis answers."""
        self._pulse.stop()
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
            with contextlib.suppress(RedisUnavailable):
                await self._gateways.forget(self._backend.gateway)
        for store in (self._queues, self._gateways):
            await store.close()

    async def page(self, accept: str) -> tuple[bytes, str]:
        """The metrics of this process now, in the form that `accept` asks for, and its media type."""
        await self._look()
        encode, media = choose_encoder(accept)
        # What workers measure, in code that a gateway has as well: here it would stay zero.
        others = {row.name.removesuffix("_total") for row in TABLE if row.at == "worker"}
        parts = []
        # One series at a time: all of them in one go would hold the loop, and so everybody's speech.
        for metric in REGISTRY.collect():
            if metric.name not in others:
                parts.append(encode(_Alone(metric)).removesuffix(END))
                await asyncio.sleep(0)
        return b"".join(parts) + (END if "openmetrics" in media else b""), media

    async def targets(self) -> list[dict[str, Any]]:
        """Where the metrics of all gateways and workers are, as Prometheus' `http_sd_configs` reads it.

        Raises RedisUnavailable."""
        workers, others = await asyncio.gather(self._workers(), self._gateways.addresses())
        gateways = {*others, self._address} - {""}
        return [
            *({"targets": [address], "labels": {"job": "gateway"}} for address in sorted(gateways)),
            *({"targets": [each.metrics], "labels": _labels(each)} for each in workers if each.metrics),
        ]

    async def _workers(self) -> list[WorkerRecord]:
        await self._backend.fleet.look()
        return self._backend.fleet.alive

    async def _look(self) -> None:
        """Sets what is read when somebody scrapes."""
        fleet = self._backend.fleet
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                workers = await self._workers()
                known = dict.fromkeys((*self._named, *(each.queue for each in workers)))
                backlog = await self._queues.look(list(known))
        except (RedisUnavailable, TimeoutError):
            backlog = None
        TRAFFIC.pour()
        series.WAITING.set(self._backend.dispatcher.waiting)
        series.REDIS_UP.set(backlog is not None)
        for gauge in FLEET:
            gauge.clear()  # what is gone, or not known, is not there
        if backlog is None:
            series.REDIS_CONNECTIONS.set(math.nan)
            return
        _show_workers(list(known), workers, fleet.runs)
        for circuit in fleet.circuits:
            series.BREAKER.labels(circuit.stage, circuit.provider).set(LEVELS[circuit.state])
        _show_backlog(backlog)

    async def _tell(self) -> None:
        while True:
            telling = self._gateways.tell(self._backend.gateway, self._address)
            self._backend.errands.run("tell where metrics are", telling)
            await asyncio.sleep(TELL_SECONDS)


class _Alone:
    """One series as a collector."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        return (self._metric,)


def _declare(settings: Settings) -> None:
    """The objectives in force."""
    for slo in ("first_audio", "segment", "barge_in", "control", "jitter"):
        series.SLO.labels(slo).set(getattr(settings, f"slo_{slo}_ms") / 1000)


def _labels(worker: WorkerRecord) -> dict[str, str]:
    return {
        "job": "worker",
        "worker": worker.name,
        "stage": worker.stage,
        "device": worker.device,
        "provider": worker.provider,
    }


def _show_workers(queues: Sequence[str], workers: Sequence[WorkerRecord], runs: Callable[[str], int]) -> None:
    taking = [worker for worker in workers if not worker.draining]
    many = Counter(worker.queue for worker in taking)
    slots = slots_of(taking)
    running: Counter[str] = Counter()
    for worker in workers:
        running[worker.queue] += runs(worker.name)
        series.WORKER.labels(worker.name, worker.stage, worker.device, worker.provider).set(1)
    for queue in queues:
        series.QUEUE_WORKERS.labels(queue).set(many[queue])
        series.QUEUE_SLOTS.labels(queue).set(slots.get(queue, 0))
        series.QUEUE_RUNNING.labels(queue).set(running[queue])


def _show_backlog(backlog: Backlog) -> None:
    for queue, queued in backlog.queues.items():
        series.QUEUE_LENGTH.labels(queue).set(queued.length)
        series.QUEUE_OLDEST.labels(queue).set(queued.oldest)
    series.REDIS_MEMORY.labels("used").set(backlog.memory)
    if backlog.limit:
        series.REDIS_MEMORY.labels("limit").set(backlog.limit)
    series.REDIS_CONNECTIONS.set(backlog.connections)
