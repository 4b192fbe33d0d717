"""The pipeline, readable in one place: which task follows which, and on which queue each runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from celery import chain, group
from celery.canvas import Signature
from kombu.exceptions import OperationalError

from bridge.errors import NoWorker, RedisUnavailable
from bridge.settings import Settings
from bridge.streams import Store, WorkerRecord
from bridge.tasks import app
from bridge.tasks.stt import transcribe
from bridge.tasks.translation import translate
from bridge.tasks.tts import synthesize
from bridge.types import STAGES, Stage, Target, Work

FINAL = 0
"""The most urgent priority on Redis; nothing else is sent yet."""

Route = Callable[[Stage, str | None, str | None], str]
"""Gives the queue for (stage, source, target)."""


def canvas(work: Work, targets: Sequence[Target], route: Route, priority: int = FINAL) -> Signature[Any]:
    """STT once, then translation and TTS for each target by itself."""
    return chain(
        _placed(transcribe.s(work.message()), route("stt", work.source, None), priority),
        group(
            branch(translate.s(to.language, to.voice), work.source, to.language, route, priority)
            for to in targets
        ),
    )


def branch(
    translation: Signature[Any], source: str | None, target: str, route: Route, priority: int = FINAL
) -> Signature[Any]:
    """Translation, then TTS, for one target."""
    return chain(
        _placed(translation, route("translation", source, target), priority),
        _placed(synthesize.s(), route("tts", source, target), priority),
    )


def rest(work: Work, stage: Stage, route: Route) -> Signature[Any]:
    """What is left of one target's branch from `stage` (translation or tts) on."""
    assert work.target is not None
    if stage == "tts":
        return _placed(synthesize.s(work.message()), route("tts", work.source, work.target), FINAL)
    again = translate.s(work.message(), work.target, work.voice)
    return branch(again, work.source, work.target, route)


def _placed(signature: Signature[Any], queue: str, priority: int) -> Signature[Any]:
    return signature.set(queue=queue, priority=priority)


class Pipeline:
    """Sends work to the least loaded device that serves it. Blocking: call it off the event loop."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._trust = settings.health_check_interval
        self._workers: list[WorkerRecord] = []
        self._read_at = float("-inf")

    def workers(self, *, fresh: bool = False) -> list[WorkerRecord]:
        """The live workers, read again once HEALTH_CHECK_INTERVAL seconds have passed."""
        if fresh or time.monotonic() - self._read_at > self._trust:
            self._workers = self._store.workers()
            self._read_at = time.monotonic()
        return self._workers

    def warm(self) -> None:
        """Connects, so that the first segment need not; a Redis that is away is met later."""
        pool: Any = app.pool
        with contextlib.suppress(OperationalError, OSError), pool.acquire(block=True) as connection:
            connection.ensure_connection(max_retries=1)

    def submit(self, work: Work, targets: Sequence[Target]) -> None:
        """Sends a segment through all three stages for all targets.

        Raises NoWorker where a stage has no live worker, RedisUnavailable where nothing can be sent.
        An error does not prove that nothing was sent: results are idempotent.
        """
        _send(canvas(work.but(sent=time.time()), targets, self.route()))

    def resubmit(self, work: Work, stage: Stage) -> None:
        """Sends one target's work again from `stage` (translation or tts) on. Raises as `submit`."""
        _send(rest(work.but(sent=time.time()), stage, self.route()))

    def route(self) -> Route:
        """`least_loaded`: a choice for one canvas, which counts what it has itself chosen already."""
        workers = self.workers()
        if missing := [stage for stage in STAGES if all(worker.stage != stage for worker in workers)]:
            workers = self.workers(fresh=True)
            missing = [stage for stage in STAGES if all(worker.stage != stage for worker in workers)]
            if missing:
                raise no_worker(missing)
        loads = self._store.loads(workers) if _has_choice(workers) else {}
        slots = {
            queue: sum(w.slots for w in workers if w.queue == queue) for queue in {w.queue for w in workers}
        }

        def queue(stage: Stage, source: str | None, target: str | None) -> str:
            able = [worker for worker in workers if serves(worker, stage, source, target)]
            if not able:
                raise no_worker([stage])
            chosen = min({worker.queue for worker in able}, key=lambda name: (loads.get(name, 0.0), name))
            loads[chosen] = loads.get(chosen, 0.0) + 1 / slots[chosen]
            return chosen

        return queue


def serves(worker: WorkerRecord, stage: Stage, source: str | None, target: str | None) -> bool:
    """Whether `worker` can do this stage for these languages; a source of None is to be detected."""
    if worker.stage != stage:
        return False
    if stage == "stt":
        return worker.detects if source is None else source in worker.languages
    if stage == "translation":
        return any(target == to and source in (None, of) for of, to in worker.pairs)
    return target in worker.languages


def no_worker(stages: Sequence[str]) -> NoWorker:
    names = " and ".join(stages)
    return NoWorker(
        f"No live worker serves {names}.", f"Start one: speechbridge worker {stages[0]}-cpu0 (see `up`)."
    )


def _has_choice(workers: Sequence[WorkerRecord]) -> bool:
    return len({worker.queue for worker in workers}) > len({worker.stage for worker in workers})


def _send(signature: Signature[Any]) -> None:
    try:
        signature.apply_async()
    except (OperationalError, OSError) as error:
        raise RedisUnavailable(
            f"Redis took no work: {error}.", "The segment is sent again on its own."
        ) from error
