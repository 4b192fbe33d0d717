"""How a worker starts and stops: engine first, then the queue, so that online means warm."""

from __future__ import annotations

import os
import secrets
import socket
import time
from dataclasses import replace
from typing import Any

import structlog
from celery import signals

from bridge import logs, measured, providers, tracing
from bridge.address import exported
from bridge.glossary import Glossary
from bridge.languages import kept
from bridge.metrics.gpu import Gpu, found
from bridge.metrics.server import Page
from bridge.metrics.worker import LOAD, OBEYED
from bridge.providers.breaker import Breaker, Unbroken
from bridge.providers.chained import build
from bridge.providers.stt.hinted import hinted
from bridge.providers.translation.glossed import glossed
from bridge.settings import Settings
from bridge.store.breakers import Breakers
from bridge.store.cache import Cache
from bridge.store.cancel import Cancellations
from bridge.store.control import Obedience
from bridge.store.registry import Registry, WorkerRecord
from bridge.store.work import Desk
from bridge.tasks import app, configure
from bridge.tasks.beside import admitted
from bridge.tasks.broker import draining
from bridge.tasks.cache import cached
from bridge.tasks.heartbeat import Heartbeat
from bridge.tasks.measures import Measures
from bridge.tasks.profile import profiling
from bridge.tasks.run import Runtime, install
from bridge.tasks.shown import card, hush
from bridge.tasks.warmup import prepare
from bridge.topology import Topology, WorkerEntry, cuda_visible_devices
from bridge.types import Stage

log = structlog.get_logger(__name__)


def main(entry: WorkerEntry, replica: int, settings: Settings, topology: Topology) -> None:
    """Serves one stage until SIGTERM or SIGINT, which let the running tasks end.

    Raises SettingsError or ProviderMissing where the engine cannot be had, SystemExit where the worker
    ends for any other reason, so that whoever supervises it starts it again.
    """
    label = f"{entry.name}-{replica}"
    logs.setup(settings, process=label, stage=entry.stage, device=entry.device)
    configure(settings, topology, "worker")
    measured.begin(settings)
    names: str = getattr(settings, f"{entry.stage}_provider")
    provider_name = ",".join(row.name for row in providers.chosen(entry.stage, names))
    page = page_of(settings, replica)
    glossary = Glossary.of(settings.glossary)
    url = settings.redis_url
    cache, registry, desk = Cache(url), Registry(url), Desk(url)
    breakers = Breakers(url, entry.stage, settings)
    provider = engine_of(entry.stage, provider_name, settings, cache, glossary, breakers)
    entry = replace(entry, concurrency=max(entry.concurrency, providers.slots(provider)))
    made = admitted(registry, record(entry, f"{label}@{socket.gethostname()}", provider_name, provider))
    if page is not None:
        made = replace(made, metrics=exported(settings.metrics_host, page.port))
    tracing.setup(
        f"speechbridge-{entry.stage}", {"bridge.provider": provider_name, "bridge.worker": made.name}
    )
    obey = [Obedience(desk, made.name, OBEYED.observe)] if entry.stage == "tts" else []
    life = Cancellations(url, made.name, made.life, *obey)
    runtime = Runtime(made.name, provider, desk, life, provider_name)
    install(runtime)
    if page is not None:
        measures = Measures(made, runtime, _gpu(entry.device))
        runtime.over, page.refresh = measures.over, measures.refresh
    heartbeat = Heartbeat(runtime, registry, made, settings)
    _at_signals(heartbeat)
    hush()
    app.steps["worker"].add(card(made, provider, registry))
    worker = app.Worker(**options(entry, made.name, settings))
    try:
        with profiling(settings, entry.stage, label):
            worker.start()
    finally:
        heartbeat.close()
        provider.close()
        for each in (runtime.cancellations, runtime.desk, registry, cache, breakers):
            each.close()
        tracing.close()
        if page is not None:
            page.close()
    if worker.exitcode:
        raise SystemExit(worker.exitcode)


def page_of(settings: Settings, replica: int) -> Page | None:
    """Where metrics are wanted, their page: its port is taken before anything slow. Raises SettingsError."""
    if not settings.metrics:
        return None
    page = Page(settings.metrics_host, settings.metrics_port and settings.metrics_port + replica)
    log.info("metrics", url=f"http://{exported(settings.metrics_host, page.port)}/metrics")
    return page


def engine_of(
    stage: Stage,
    names: str,
    settings: Settings,
    cache: Cache,
    glossary: Glossary | None = None,
    breaker: Breaker | None = None,
) -> Any:
    """The engine, or engines, that do the work of this process: loaded, warm, and equipped; every one is
    always asked where no `breaker` keeps it from being."""

    def made(name: str) -> Any:
        return equipped(stage, _loaded(stage, name), cache, glossary, settings)

    provider = build(stage, names, breaker or Unbroken(), settings.fallback_ms / 1000, made)
    prepare(stage, provider, settings)
    return provider


def _loaded(stage: Stage, provider_name: str) -> Any:
    since = time.monotonic()
    provider = providers.load(stage, provider_name)
    seconds = time.monotonic() - since
    own = not provider.resident()  # else the pool has told of each model
    # Operators look for "Model loaded".
    event = "Model loaded with its engine" if own else "Engine loaded"
    log.info(event, provider=provider_name, seconds=round(seconds, 2))
    if own:
        LOAD.labels(stage).observe(seconds)
    return provider


def equipped(stage: Stage, engine: Any, cache: Cache, glossary: Glossary | None, settings: Settings) -> Any:
    """An engine with what all workers of its stage give it: what was made before, the operator's terms."""
    if stage == "translation":
        return glossed(cached(engine, cache, settings), glossary)
    return hinted(engine, glossary) if stage == "stt" else engine


def _gpu(device: str) -> Gpu | None:
    number = cuda_visible_devices(device)
    return found(device, int(number)) if number else None


def options(entry: WorkerEntry, name: str, settings: Settings) -> dict[str, Any]:
    """Celery's own options. Gossip and mingle cost a second at each start and serve nobody here."""
    return {
        "hostname": name,
        "queues": [entry.queue],
        "pool_cls": "threads",
        "concurrency": entry.concurrency,
        "without_gossip": True,
        "without_mingle": True,
        "without_heartbeat": not settings.task_events,
        "task_events": settings.task_events,
        "loglevel": settings.log_level,
        "quiet": True,
    }


def record(entry: WorkerEntry, name: str, provider_name: str, provider: Any) -> WorkerRecord:
    """What the gateway has to know to choose this worker.

    One that translates from a language also passes its words on to those who speak it.
    """
    pairs = provider.pairs() if entry.stage == "translation" else frozenset()
    pairs |= kept({source for source, _ in pairs})
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
        life=secrets.token_hex(8),
        advice=tuple(sorted(providers.advice(provider))),
    )


def _at_signals(heartbeat: Heartbeat) -> None:
    def drain(**_: Any) -> None:
        draining.set()
        heartbeat.drain()

    # weak=False: Celery keeps only weak references, and a closure has no other owner.
    signals.worker_ready.connect(lambda **_: heartbeat.start(), weak=False)
    signals.worker_shutting_down.connect(drain, weak=False)
    signals.setup_logging.connect(lambda **_: None, weak=False)
