"""A worker's sign of life: its record, kept fresh, with the models it holds and the work it runs."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import structlog

from bridge.errors import RedisUnavailable
from bridge.settings import Settings
from bridge.store.registry import Registry, WorkerRecord
from bridge.tasks.run import Runtime

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 0.5
"""Pause after a beat that failed, whatever the interval is."""

CALM_SECONDS = 0.02
"""How long a change waits for the next one: a hop to the next stage is not held up to tell of it."""


class Heartbeat:
    """Beats from `start` to `close`; whatever goes wrong in a beat is logged, and the next one comes."""

    def __init__(
        self, runtime: Runtime, registry: Registry, record: WorkerRecord, settings: Settings
    ) -> None:
        self._runtime = runtime
        self._registry = registry
        self._record = record
        self._interval = settings.heartbeat_interval_ms / 1000
        self._ttl_ms = settings.worker_ttl_ms
        self._due = 0.0
        self._draining = False
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Puts the worker on the list, and keeps it there."""
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def drain(self) -> None:
        """Says that the worker takes nothing more; what it runs is still told until `close`."""
        self._draining = True
        self._runtime.changed.set()

    def close(self) -> None:
        """Ends the beating and takes the worker off the list."""
        if self._thread is None or self._stopped.is_set():
            return
        self._stopped.set()
        self._runtime.changed.set()
        self._thread.join(timeout=5)
        try:
            self._registry.unregister(self._record.name)
        except RedisUnavailable as error:
            log.warning("worker not unregistered", error=error.message)

    def _beat(self) -> None:
        while not self._stopped.is_set():
            try:
                self._runtime.changed.clear()
                due = time.monotonic() >= self._due or self._draining != self._record.draining
                if due:
                    self._register()
                self._runtime.tell(again=due)
            except Exception as error:
                if isinstance(error, RedisUnavailable):
                    log.warning("no heartbeat", error=error.message)
                else:
                    log.exception("no heartbeat")
                self._stopped.wait(AGAIN_SECONDS)
            else:
                self._runtime.changed.wait(max(0.0, self._due - time.monotonic()))
                self._stopped.wait(CALM_SECONDS)

    def _register(self) -> None:
        # A worker on the list whose connection does not stand would be taken for dead.
        if not self._runtime.cancellations.listening.wait(AGAIN_SECONDS):
            raise RedisUnavailable("The worker cannot subscribe yet.")
        self._due = 0.0
        self._record = replace(
            self._record,
            beat=self._record.beat + 1,
            draining=self._draining,
            models=self._models(),
            ahead_ms=self._ahead_ms(),
        )
        self._registry.register(self._record, self._ttl_ms)
        self._due = time.monotonic() + self._interval

    def _models(self) -> tuple[str, ...]:
        """What the engine holds; where it fails to say, what it held before."""
        try:
            return tuple(self._runtime.provider.resident())
        except Exception:
            log.exception("the engine does not say which models it holds")
            return self._record.models

    def _ahead_ms(self) -> float:
        """How far this host's clock runs ahead of Redis', give or take half the shortest round trip."""
        trips = []
        for _ in range(3):
            before = time.time()
            now = self._registry.now()
            after = time.time()
            trips.append((after - before, (before + after) / 2 - now))
        return round(min(trips)[1] * 1000, 1)
