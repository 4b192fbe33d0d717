"""What every stage does with its work: is it still wanted, call the engine, report each result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Any

import structlog
from celery.exceptions import Ignore

from bridge import tracing
from bridge.errors import BridgeError, RedisUnavailable
from bridge.logs import frames
from bridge.providers.call import begun
from bridge.store.cancel import Cancellations
from bridge.store.work import Desk, Taken
from bridge.tasks import spans
from bridge.tasks.course import Course
from bridge.types import Event, EventKind, Stage, Work

log = structlog.get_logger(__name__)

Results = Generator[dict[str, Any] | Work, None, Work | None]
"""A stage yields the fields of each event as soon as it has them, or work that the next stage can begin with,
and returns the next stage's work, or the rest of it."""


PAUSE_SECONDS = 0.5
"""Time until more is taken from a Redis that refuses: the queues of a full one would be emptied at once."""


class TooLate(BridgeError):
    code = "too_late"


class Ended(Ignore):
    """Ends a task and its chain; `outcome` is what Flower shows of it, as a failure where it `failed`."""

    def __init__(self, outcome: str, *, failed: bool = False) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.failed = failed


@dataclass(slots=True)
class Runtime:
    """What the tasks of one worker process share; `boot` makes it before the first task.

    `provider` is the engine, or a chain of them; `named` is its name, where no chain says who did the work.
    `running` names the work that tasks have in hand; the heartbeat tells it again when `changed` is set.
    `served` are the sessions of the tasks in hand, looks at speech that goes on included; `over` hears how
    each task went.
    """

    name: str
    provider: Any
    desk: Desk
    cancellations: Cancellations
    named: str = ""
    running: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    changed: threading.Event = field(default_factory=threading.Event)
    telling: threading.Lock = field(default_factory=threading.Lock)
    served: list[str] = field(default_factory=list)
    over: Callable[[Course], None] | None = None

    @contextmanager
    def serving(self, course: Course) -> Iterator[None]:
        """A task of its session is in hand until the block ends, and over then."""
        self.served.append(course.work.session)
        try:
            yield
        except RedisUnavailable as error:
            course.outcome, course.code = "failed", error.code
            raise
        finally:
            self.served.remove(course.work.session)
            spans.record(course)
            if self.over is not None:
                self.over(course)

    @contextmanager
    def taken(self, stage: Stage, work: Work) -> Iterator[Taken]:
        """Takes the work, which counts as running until the block ends. Raises RedisUnavailable."""
        item = work.item(stage)
        self.running.append(item)
        try:
            # One at a time: an older list that arrives after a newer one would hide work that runs.
            with self.telling:
                self.told = list(self.running)
                taken = self.desk.take(stage, work, self.name, self.told)
            yield taken
        finally:
            self.running.remove(item)
            self.changed.set()

    def tell(self, *, again: bool) -> None:
        """Says what runs now; `again` even if it was told, since Redis may have lost it.

        Raises RedisUnavailable.
        """
        with self.telling:
            if again or self.told != self.running:
                running = list(self.running)
                self.desk.runs(self.name, running)
                self.told = running


runtime: Runtime | None = None


def install(made: Runtime | None) -> None:
    """Makes `made` the runtime of this process."""
    global runtime
    runtime = made


class Report:
    """What one piece of work tells the journal of its room, with times on the clock of Redis."""

    def __init__(self, runtime: Runtime, course: Course, at: float) -> None:
        self._runtime, self._stage, self._work, self._at = runtime, course.stage, course.work, at
        self.course = course
        self._start = time.monotonic()

    def now(self) -> float:
        """Seconds on the clock of Redis: when the work was taken, and the time since."""
        return self._at + time.monotonic() - self._start

    def emit(self, kind: EventKind, **values: Any) -> None:
        """Appends an event. Raises RedisUnavailable."""
        work = self._work
        event = Event(
            kind,
            self._stage,
            work.session,
            work.segment,
            revision=work.revision,
            attempt=work.attempt,
            part=work.part,
            target=work.target,
            queued_ms=round(max(0.0, self._at - work.sent) * 1000, 2) if work.sent else 0.0,
            running_ms=round((time.monotonic() - self._start) * 1000, 2),
            worker=self._runtime.name,
            quick=work.quick,
            provider=self.course.call.provider or self._runtime.named,
            **values,
        )
        self._runtime.desk.emit(work.room, event)
        self.course.told(event, time.monotonic() - self._start)

    def fail(self, error: Exception) -> Ended:
        """Appends the failure, never without a code and a message, and says how the task ends by it.

        Raises RedisUnavailable.
        """
        self.course.code = (error.code if isinstance(error, BridgeError) else "") or "internal"
        if isinstance(error, BridgeError):
            log.warning("stage failed", code=error.code, error=_unsaid(error), hint=error.hint)
            message = str(error) or f"The {self._stage} stage failed: {type(error).__name__}."
            retryable = error.retryable
        else:
            # Only names: the text of an engine's error may hold what was said.
            log.error("stage failed unexpectedly", error=type(error).__name__, exception=frames(error))
            message = f"The {self._stage} engine failed unexpectedly ({type(error).__name__})."
            retryable = True
        log.debug("why the stage failed", exc_info=error)
        self.emit("failed", code=self.course.code, message=message, retryable=retryable)
        return Ended(self.course.code, failed=True)


def run(
    stage: Stage,
    message: dict[str, Any],
    call: Callable[[Any, Work, bytes | None], Results],
    ahead: Callable[[Work], None] | None = None,
) -> dict[str, Any]:
    """Runs one stage on one message and returns the message of the next; `ahead` sends what can begin sooner.

    Work that is not wanted any more, comes too late, fails, or leaves nothing for the next stage ends
    its chain by `Ended`. A failure is reported as an event; nothing is retried here, because only the
    gateway knows what else it has sent.
    """
    if runtime is None:
        raise RuntimeError("No runtime: tasks run in a process started by `speechbridge worker`.")
    work = Work.of(message)
    course = Course(stage, work)
    structlog.contextvars.bind_contextvars(
        session=work.session, segment=work.segment, stage=stage, **tracing.ids(work.trace)
    )
    try:
        with runtime.serving(course), runtime.taken(stage, work) as taken:
            report = Report(runtime, course, taken.at)
            course.took(taken)
            if taken.verdict == "late":
                raise report.fail(_too_late(stage, work, taken.at))
            if taken.verdict != "wanted":
                raise Ended(taken.verdict)
            course.call.until = _until(stage, work, taken.at)
            with begun(course.call):
                following = _results(runtime, work, call(runtime.provider, work, taken.pcm), report, ahead)
            return following.but(sent=report.now()).message()
    except RedisUnavailable as error:
        log.warning("work dropped; the gateway sends it again", error=error.message)
        time.sleep(PAUSE_SECONDS)
        raise Ended("dropped: Redis did not answer") from error
    finally:
        structlog.contextvars.clear_contextvars()


def _until(stage: Stage, work: Work, at: float) -> float:
    """When its result comes too late to be heard, on this process's clock; it was taken `at`, on that of
    Redis."""
    until = work.until(stage) or inf
    if stage != "tts" and work.due:
        until = min(until, work.due)
    return time.monotonic() + until - at if until < inf else inf


def _results(
    runtime: Runtime, work: Work, results: Results, report: Report, ahead: Callable[[Work], None] | None
) -> Work:
    # `closing`: without it an engine's own clean-up would wait for the garbage collector.
    with closing(results):
        try:
            while True:
                values = report.course.asked(results)
                if runtime.cancellations.cancelled(work):
                    report.course.outcome = "cancelled"
                    raise Ended("cancelled")
                if isinstance(values, Work):
                    assert ahead is not None
                    ahead(values.but(sent=report.now()))
                else:
                    report.emit(**values)
        except StopIteration as end:
            following: Work | None = end.value
            report.course.outcome = "ok"
        except (Ended, RedisUnavailable):
            raise
        except Exception as error:
            raise report.fail(error) from error
    if following is None:
        raise Ended("done")
    return following


def _unsaid(error: BridgeError) -> str:
    """What the error says, with the name of what an engine raised in place of its words."""
    cause = error.__cause__
    engine = str(cause) if cause is not None and not isinstance(cause, BridgeError) else ""
    return error.message.replace(engine, type(cause).__name__) if engine else error.message


def _too_late(stage: Stage, work: Work, now: float) -> TooLate:
    until = work.until(stage)
    setting = "SEGMENT_DEADLINE_MS" if until == work.deadline else "LATENESS_MS"
    return TooLate(
        f"The {stage} work was taken {now - until:.1f} s after its deadline.",
        f"Start more workers of this stage, or raise {setting}.",
    )
