"""A piece of work as a span of its segment's trace, where somebody collects them (bridge.tracing)."""

from __future__ import annotations

from time import monotonic
from typing import Any

from bridge import tracing
from bridge.tasks.course import Course


def record(course: Course) -> None:
    """Tells of work that is over: from when it was taken until its last result, or until it failed."""
    work = course.work
    if tracing.tracer is None or not work.trace or not course.at:
        return  # work that was not wanted any more was not taken
    about: dict[str, Any] = {
        "bridge.session": work.session,
        "bridge.segment": work.segment,
        "bridge.stage": course.stage,
        "bridge.attempt": work.attempt,
        "bridge.revision": work.revision,
        "bridge.draft": work.draft,
        "bridge.outcome": course.outcome,
    }
    if work.part:
        about["bridge.part"] = work.part
    if work.target:
        about["bridge.target"] = work.target
    if course.queued is not None:
        about["bridge.queue_ms"] = round(course.queued * 1000, 2)
    lasted = course.ran if course.outcome == "ok" else monotonic() - course.since
    first = () if course.first is None else (("first result", course.at + course.first),)
    tracing.tracer.record(
        tracing.Span(course.stage, work.trace, course.at, course.at + lasted, about, course.code, first)
    )
