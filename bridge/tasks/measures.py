"""What a worker exports: how its work went, once it is over, and what it holds whenever somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from bridge.languages import same
from bridge.metrics import worker as series
from bridge.metrics.gpu import Gpu
from bridge.prices import Price, price
from bridge.providers import billed
from bridge.store.registry import WorkerRecord
from bridge.tasks.course import OUTCOMES, Course
from bridge.tasks.run import Runtime


class Measures:
    """The series of the one stage that this process serves; labels are looked up here, once."""

    def __init__(self, record: WorkerRecord, runtime: Runtime, gpu: Gpu | None = None) -> None:
        self._stage, self._runtime, self._gpu, self._slots = record.stage, runtime, gpu, record.slots
        self._outcomes = {outcome: series.TASKS.labels(record.stage, outcome) for outcome in OUTCOMES}
        self._queued = series.QUEUED.labels(record.stage)
        self._provider = record.provider
        *ahead, last = record.provider.split(",")
        for name in (*ahead, last):
            series.RAN.labels(record.stage, name)
            series.FIRST.labels(record.stage, name)
        for name, reason in product(ahead, series.REASONS):
            series.FALLBACKS.labels(record.stage, name, reason)
        self._prices = dict(_prices(record))
        for name in self._prices:
            series.COST.labels(record.stage, name)
        self._models = series.MODELS.labels(record.stage)
        self._sessions = series.SESSIONS.labels(record.name)
        self._busy, self._idle = series.THREADS.labels("busy"), series.THREADS.labels("idle")

    def over(self, course: Course) -> None:
        """Counts a task that is over. One that looked at speech that goes on counts as that alone: it is
        sent where an engine stands idle, and would make all that waits and is heard look fast."""
        if course.work.partial:
            self._outcomes["partial"].inc()
            return
        self._charge(course)
        self._outcomes[course.outcome].inc()
        if course.queued is not None:
            self._queued.observe(course.queued)
        if course.outcome == "failed":
            series.FAILURES.labels(course.stage, course.code or "internal").inc()
        for left in course.call.attempts[:-1]:
            if left.outcome != "ok":
                series.FALLBACKS.labels(course.stage, left.provider, left.code).inc()
        # Another attempt of the same work may be another worker's: what it avoids tells of the one before.
        if course.work.avoid and course.call.provider not in ("", course.work.avoid):
            series.FALLBACKS.labels(course.stage, course.work.avoid, "broke_off").inc()
        if not _kept(course):
            self._count(course)

    def refresh(self) -> None:
        """Sets what says what is now. Raises what an engine raises that cannot say which models it holds."""
        served = list(self._runtime.served)
        self._busy.set(len(served))
        self._idle.set(max(0, self._slots - len(served)))
        self._sessions.set(len(set(served)))
        if self._gpu is not None:
            self._gpu.refresh()
        self._models.set(len(self._runtime.provider.resident()))

    def _charge(self, course: Course) -> None:
        """What the vendor that did it bills; of one that failed it is not known."""
        call = course.call
        done = not call.attempts or call.attempts[-1].outcome == "ok"
        if done and (charged := self._prices.get(call.provider)):
            dollars = charged.cost(course.heard, call.characters)
            series.COST.labels(course.stage, call.provider).inc(dollars)

    def _count(self, course: Course) -> None:
        """What the engine was asked, and what it made of it, as far as it came."""
        provider = course.call.provider or self._provider
        if course.outcome == "ok":
            series.RAN.labels(course.stage, provider).observe(course.ran)
        if course.first is not None:
            series.FIRST.labels(course.stage, provider).observe(course.first)
        if course.stage == "stt":
            _real_time(course, course.heard)
            series.HEARD.inc(course.heard)
            if course.confidence is not None:
                series.STT_CONFIDENCE.observe(course.confidence)
        elif course.stage == "tts":
            _real_time(course, course.spoken)
            series.SPOKEN.inc(course.spoken)
        else:
            series.CHARACTERS.inc(course.characters)
            if course.confidence is not None:
                series.TRANSLATION_CONFIDENCE.observe(course.confidence)


def _prices(record: WorkerRecord) -> Iterator[tuple[str, Price]]:
    """Those of its vendors, as far as they are known."""
    for name in record.provider.split(","):
        if price(record.stage, name) and (found := price(record.stage, name, billed(record.stage, name))):
            yield name, found


def _real_time(course: Course, seconds: float) -> None:
    if course.outcome == "ok" and seconds:
        series.REAL_TIME.labels(course.stage).observe(course.engine / seconds)


def _kept(course: Course) -> bool:
    """Whether no engine was asked, since the words are wanted in the language they were said in."""
    source, target = course.work.source, course.work.target
    return course.stage == "translation" and same(source or "", target or "")
