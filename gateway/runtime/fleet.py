"""What this gateway knows of the workers: who lives, what they run, and who has vanished."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

import structlog

from bridge.errors import RedisUnavailable
from bridge.placement import common, slots_of
from bridge.store.circuits import Circuit
from bridge.store.registry import Sighting, Watch, WorkerRecord
from gateway.runtime.errands import Errands

log = structlog.get_logger(__name__)

ABSENCES = 2
"""Looks in a row at which a worker's connection is gone, after it stood: then its process is dead."""
AGAIN_SECONDS = 0.2
"""Until the second look at a connection that was gone at the first: one that was cut is back in 0.1 s."""
GRACE_SECONDS = 6.0
"""After Redis was away: workers connect and register anew, and none of them counts as gone meanwhile."""
OFFSETS = 16
"""Looks of which the quickest tells how far the clock of Redis is ahead, as NTP's clock filter does
(RFC 5905, section 10): half a round trip is its error, on a busy machine 10 ms and more for a single look."""
RETURN_SECONDS = 60.0
"""A worker that is gone may come back, and its queue with it, for as long as a segment is waited for."""

Gone = Callable[[WorkerRecord, bool], None]
"""Told of a worker that vanished, and whether its work must move: its stage has others, its queue none."""


class Fleet:
    """Looks every `interval` seconds. `gone` is told of each worker that vanished, `looked` of each look."""

    def __init__(
        self, watch: Watch, errands: Errands, interval: float, gone: Gone, looked: Callable[[], None]
    ) -> None:
        self._watch = watch
        self._errands = errands
        self._interval = interval
        self._gone = gone
        self._looked = looked
        self._stood: dict[tuple[str, str], int] = {}
        self._known: dict[str, WorkerRecord] = {}
        self._working: list[WorkerRecord] = []
        self._departed: dict[str, tuple[WorkerRecord, float]] = {}
        self._doubtful = False
        self._server = ""
        self._calm_from = 0.0
        self._offsets: deque[tuple[float, float]] = deque(maxlen=OFFSETS)
        self._task: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self.running: frozenset[str] = frozenset()
        self.slots: dict[str, int] = {}
        self.circuits: tuple[Circuit, ...] = ()
        self._waiting: dict[str, int] = {}
        self._runs: dict[str, int] = {}

    @property
    def workers(self) -> list[WorkerRecord]:
        """Those that live and take work, each with what all of its queue can."""
        return list(self._working)

    @property
    def alive(self) -> list[WorkerRecord]:
        """Those that live, also where they end what they run and take nothing more."""
        return list(self._known.values())

    def runs(self, worker: str) -> int:
        """How many items a worker ran at the last look."""
        return self._runs.get(worker, 0)

    @property
    def departed(self) -> list[WorkerRecord]:
        """Those that are gone and may come back."""
        return [worker for worker, _ in self._departed.values()]

    def now(self) -> float:
        """The time on the clock of Redis, in seconds; this host's own as long as Redis was never seen."""
        return self.at(time.monotonic())

    def at(self, moment: float) -> float:
        """What the clock of Redis says at `moment`, in seconds of time.monotonic()."""
        if not self._offsets:
            return moment + time.time() - time.monotonic()
        return moment + min(self._offsets)[1]

    def load(self, queue: str) -> float:
        """Work per slot of a queue at the last look, of all gateways together."""
        return self._waiting.get(queue, 0) / max(1, self.slots.get(queue, 1))

    def start(self) -> None:
        """Begins to look."""
        self._task = asyncio.create_task(self._keep(), name="fleet")

    async def stop(self) -> None:
        """Ends."""
        for task in (self._task, self._looking):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def look(self) -> list[WorkerRecord]:
        """The workers as they are now; callers at the same time share one look. Raises RedisUnavailable."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.shield(self._looking)
        return self.workers

    def outage(self) -> None:
        """Redis was away or lost its data: what is missing from it now proves nothing for a while."""
        self._calm_from = time.monotonic() + GRACE_SECONDS
        self._stood.clear()

    async def _keep(self) -> None:
        while True:
            try:
                await self.look()
            except RedisUnavailable:
                self.outage()
            except Exception:
                log.exception("workers not looked at; trying on")
            await asyncio.sleep(min(self._interval, AGAIN_SECONDS) if self._doubtful else self._interval)

    async def _look(self) -> None:
        since = time.monotonic()
        sighting = await self._watch.look()
        until = time.monotonic()
        if self._server not in ("", sighting.server):
            self.outage()  # so short that nobody met it
            self._offsets.clear()
        self._offsets.append((until - since, sighting.now - (since + until) / 2))
        self._server = sighting.server
        self._compare(sighting)
        self._runs = {name: len(items) for name, items in sighting.running.items()}
        items = (item for items in sighting.running.values() for item in items)
        self.running = frozenset(items)
        self.slots = slots_of(self.workers)
        self.circuits = sighting.circuits
        self._waiting = dict(sighting.waiting)
        for worker in sighting.workers:
            self._waiting[worker.queue] += len(sighting.running.get(worker.name, ()))
        self._looked()

    def _compare(self, sighting: Sighting) -> None:
        now = {worker.name: worker for worker in sighting.workers}
        calm = time.monotonic() >= self._calm_from
        self._doubtful = False
        dead = [worker for worker in sighting.workers if self._absent(worker, sighting)] if calm else []
        for worker in dead:
            del now[worker.name]
        lost = [
            worker
            for name, worker in self._known.items()
            if (name in now or calm) and (name not in now or now[name].life != worker.life)
        ]
        if not calm:
            # Those that have not come back yet are still counted upon.
            now = self._known | now
        self._known = now
        self._working = common([worker for worker in now.values() if not worker.draining])
        self._departed = {
            name: (worker, since)
            for name, (worker, since) in self._departed.items()
            if name not in now and since > time.monotonic() - RETURN_SECONDS
        }
        for worker in lost:
            self._lost(worker)
        for worker in dead:
            self._errands.run("bury", self._watch.bury(worker), worker=worker.name)

    def _lost(self, worker: WorkerRecord) -> None:
        others = [other for other in self.workers if other.stage == worker.stage]
        elsewhere = bool(others) and all(other.queue != worker.queue for other in others)
        self._stood.pop((worker.name, worker.life), None)
        if worker.name not in self._known:
            self._departed[worker.name] = (worker, time.monotonic())
        log.warning("worker gone", worker=worker.name, queue=worker.queue, others=len(others))
        self._gone(worker, elsewhere)

    def _absent(self, worker: WorkerRecord, sighting: Sighting) -> bool:
        """Whether its connection stood once and does not any more, twice in a row."""
        life = (worker.name, worker.life)
        if sighting.listening.get(worker.name):
            self._stood[life] = 0
            return False
        if life not in self._stood:
            return False
        self._stood[life] += 1
        self._doubtful = True
        return self._stood[life] >= ABSENCES
