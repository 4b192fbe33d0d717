"""What every stage does with its work: is it still wanted, call the engine, report each result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from celery.exceptions import Ignore

from bridge.errors import BridgeError, RedisUnavailable
from bridge.streams import Cancellations, Store
from bridge.types import Event, Stage, Work

log = structlog.get_logger(__name__)

Results = Generator[dict[str, Any], None, Work | None]
"""A stage yields the fields of each event as soon as it has them, and returns the next stage's work."""


@dataclass(slots=True)
class Runtime:
    """What the tasks of one worker process share; `boot` makes it before the first task."""

    name: str
    provider: Any
    store: Store
    cancellations: Cancellations
    busy: int = 0
    changed: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def occupied(self) -> Iterator[int]:
        """Counts a task as running; gives how many run now."""
        with self.lock:
            self.busy += 1
            busy = self.busy
        try:
            yield busy
        finally:
            with self.lock:
                self.busy -= 1
            self.changed.set()


runtime: Runtime | None = None


def install(made: Runtime | None) -> None:
    """Makes `made` the runtime of this process."""
    global runtime
    runtime = made


def run(
    stage: Stage, message: dict[str, Any], call: Callable[[Any, Work, bytes | None], Results]
) -> dict[str, Any]:
    """Runs one stage on one message and returns the message of the next.

    Work that is not wanted any more, comes too late, fails, or leaves nothing for the next stage ends
    its chain by `Ignore`. A failure is reported as an event; nothing is retried here, because only the
    gateway knows what else it has sent.
    """
    if runtime is None:
        raise RuntimeError("No runtime: tasks run in a process started by `speechbridge worker`.")
    work = Work.of(message)
    start = time.monotonic()
    report = partial(
        Event,
        stage=stage,
        session=work.session,
        segment=work.segment,
        revision=work.revision,
        attempt=work.attempt,
        target=work.target,
        queued_ms=round(max(0.0, time.time() - work.sent) * 1000, 2),
        worker=runtime.name,
    )
    structlog.contextvars.bind_contextvars(session=work.session, segment=work.segment, stage=stage)
    try:
        with runtime.occupied() as busy:
            alive, pcm = runtime.store.begin(work, report(kind="started"), runtime.name, busy)
            if not alive:
                raise Ignore
            following = _results(runtime, work, call(runtime.provider, work, pcm), report, start)
        return following.but(sent=time.time()).message()
    finally:
        structlog.contextvars.clear_contextvars()


def _results(
    runtime: Runtime, work: Work, results: Results, report: Callable[..., Event], start: float
) -> Work:
    def elapsed() -> float:
        return round((time.monotonic() - start) * 1000, 2)

    # `closing`: without it an engine's own clean-up would wait for the garbage collector.
    with closing(results):
        try:
            if work.deadline and time.time() > work.deadline:
                raise TooLate(f"The work came {time.time() - work.deadline:.1f} s after its deadline.")
            while True:
                values = next(results)
                if runtime.cancellations.cancelled(work.session, work.segment):
                    raise Ignore
                runtime.store.emit(report(**values, running_ms=elapsed()))
        except StopIteration as end:
            following: Work | None = end.value
        except (Ignore, RedisUnavailable):
            raise
        except BridgeError as error:
            log.warning("stage failed", code=error.code, error=error.message, hint=error.hint)
            runtime.store.emit(failure(report, error.code, str(error), error.retryable, elapsed()))
            raise Ignore from error
        except Exception as error:
            log.exception("stage failed unexpectedly")
            runtime.store.emit(failure(report, "internal", type(error).__name__, True, elapsed()))
            raise Ignore from error
    if following is None:
        raise Ignore
    return following


def failure(
    report: Callable[..., Event], code: str, message: str, retryable: bool, running_ms: float
) -> Event:
    return report(kind="failed", code=code, message=message, retryable=retryable, running_ms=running_ms)


class TooLate(BridgeError):
    code = "too_late"
