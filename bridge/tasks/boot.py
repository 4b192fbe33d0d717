"""How a worker starts and stops: engine first, then the queue, so that online means warm."""

from __future__ import annotations

import os
import socket
import threading
import time
from dataclasses import replace
from typing import Any

import structlog
from celery import signals

from bridge import logs, providers
from bridge.errors import RedisUnavailable
from bridge.settings import Settings
from bridge.streams import Cancellations, Store, WorkerRecord
from bridge.tasks import app, configure
from bridge.tasks.cache import cached
from bridge.tasks.run import Runtime, install
from bridge.tasks.warmup import prepare
from bridge.topology import Topology, WorkerEntry

log = structlog.get_logger(__name__)


def main(entry: WorkerEntry, replica: int, settings: Settings, topology: Topology) -> None:
    """Serves one stage until SIGTERM or SIGINT, which let the running tasks end.

    Raises SettingsError or ProviderMissing where the engine cannot be had.
    """
    name = f"{entry.name}-{replica}@{socket.gethostname()}"
    logs.setup(settings, process=f"{entry.name}-{replica}")
    configure(settings, topology, "worker")
    provider_name = getattr(settings, f"{entry.stage}_provider")
    since = time.monotonic()
    provider = providers.load(entry.stage, provider_name)
    log.info("provider loaded", provider=provider_name, seconds=round(time.monotonic() - since, 2))
    prepare(entry.stage, provider, settings)
    store = Store(settings.redis_url, patient=True)
    if entry.stage == "translation":
        provider = cached(provider, store, settings)
    runtime = Runtime(name, provider, store, Cancellations(settings.redis_url))
    install(runtime)
    heartbeat = Heartbeat(runtime, record(entry, name, provider_name, provider), settings)
    _at_signals(heartbeat)
    try:
        app.worker_main(arguments(entry, name, settings))
    finally:
        heartbeat.stop()
        runtime.cancellations.close()
        provider.close()
        runtime.store.close()


def arguments(entry: WorkerEntry, name: str, settings: Settings) -> list[str]:
    """Celery's own command line. Gossip and mingle cost a second at each start and serve nobody here."""
    quiet = ["--without-gossip", "--without-mingle"]
    events = ["-E"] if settings.task_events else ["--without-heartbeat"]
    queue = ["-Q", entry.queue, "-P", "threads", "-c", str(entry.concurrency)]
    return ["--quiet", "worker", "-n", name, *queue, *quiet, *events, "-l", settings.log_level]


def record(entry: WorkerEntry, name: str, provider_name: str, provider: Any) -> WorkerRecord:
    """What the gateway has to know to choose this worker."""
    pairs = provider.pairs() if entry.stage == "translation" else ()
    languages = provider.languages() if entry.stage != "translation" else ()
    return WorkerRecord(
        name=name,
        stage=entry.stage,
        device=entry.device,
        queue=entry.queue,
        slots=entry.concurrency,
        provider=provider_name,
        languages=tuple(sorted(languages)),
        pairs=tuple(sorted(pairs)),
        detects=entry.stage == "stt" and provider.detects,
        host=socket.gethostname(),
        pid=os.getpid(),
    )


class Heartbeat:
    """Keeps the worker's record alive, and its models and count of running tasks true."""

    def __init__(self, runtime: Runtime, record: WorkerRecord, settings: Settings) -> None:
        self._runtime = runtime
        self._record = record
        self._interval = settings.heartbeat_interval_ms / 1000
        self._ttl_ms = settings.worker_ttl_ms
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Takes the worker off the list, so that nothing more is sent to it."""
        if self._thread is None or self._stopped.is_set():
            return
        self._stopped.set()
        self._runtime.changed.set()
        self._thread.join(timeout=5)
        try:
            self._runtime.store.unregister(self._record.name)
        except RedisUnavailable as error:
            log.warning("worker not unregistered", error=error.message)

    def _beat(self) -> None:
        due = 0.0
        while not self._stopped.is_set():
            try:
                if time.monotonic() >= due:
                    now = replace(self._record, models=self._runtime.provider.resident())
                    self._runtime.store.register(now, self._ttl_ms)
                    due = time.monotonic() + self._interval
                self._runtime.store.idle(self._record.name, self._runtime.busy)
            except RedisUnavailable as error:
                log.warning("no heartbeat", error=error.message)
                self._stopped.wait(0.5)
                continue
            self._runtime.changed.wait(max(0.0, due - time.monotonic()))
            self._runtime.changed.clear()


def _at_signals(heartbeat: Heartbeat) -> None:
    # weak=False: Celery keeps only weak references, and a closure has no other owner.
    signals.worker_ready.connect(lambda **_: heartbeat.start(), weak=False)
    signals.worker_shutting_down.connect(lambda **_: heartbeat.stop(), weak=False)
    signals.setup_logging.connect(lambda **_: None, weak=False)
