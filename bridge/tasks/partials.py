"""What a stage does with speech that goes on: one look, one event, nothing that anybody waits for.

A partial is not claimed, not told as running, never sent again and never cached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from bridge.errors import BridgeError, RedisUnavailable
from bridge.providers import Transcriber, Translator, hear
from bridge.providers.call import begun
from bridge.tasks import run
from bridge.tasks.course import Course
from bridge.types import SPEECH_RATE, Audio, Phrase, Speech, Stage, Work

log = structlog.get_logger(__name__)

Look = Callable[[Any, Work, bytes | None], dict[str, Any]]
"""Calls the engine; returns the fields of the event."""


def look(stage: Stage, message: dict[str, Any], call: Look) -> dict[str, Any]:
    """Reports what `call` makes of the speech so far, or the code of why nothing: the next look may come."""
    if run.runtime is None:
        raise RuntimeError("No runtime: tasks run in a process started by `speechbridge worker`.")
    course, runtime = Course(stage, Work.of(message)), run.runtime
    work = course.work
    with structlog.contextvars.bound_contextvars(session=work.session, segment=work.segment, stage=stage):
        try:
            with runtime.serving(course):
                _look(runtime, course, call)
        except RedisUnavailable as error:
            log.info("partial dropped", error=error.message)
    return {}


def _look(runtime: run.Runtime, course: Course, call: Look) -> None:
    work = course.work
    taken = runtime.desk.look(work)
    if taken.verdict not in ("wanted", "late"):
        return
    report = run.Report(runtime, course, taken.at)
    late = taken.verdict == "late"
    with begun(course.call):
        values = {"code": "too_late"} if late else _called(call, runtime.provider, work, taken.pcm)
    if not runtime.cancellations.cancelled(work):
        report.emit("partial", index=work.index, **values)


def _called(call: Look, provider: Any, work: Work, pcm: bytes | None) -> dict[str, Any]:
    try:
        return call(provider, work, pcm)
    except Exception as error:
        code = (error.code if isinstance(error, BridgeError) else "") or "internal"
        log.info("partial failed", code=code, error=type(error).__name__)
        return {"code": code}


def hypothesis(provider: Transcriber, work: Work, pcm: bytes | None) -> dict[str, Any]:
    """The words so far."""
    speech = Speech(Audio(pcm or b"", SPEECH_RATE), work.source, work.among, work.prior or None)
    found = hear(provider, speech)
    return {"text": found.text, "language": found.language, "marks": found.marks}


def translation(provider: Translator, work: Work, _: bytes | None) -> dict[str, Any]:
    """The words so far in another language."""
    assert work.source is not None and work.target is not None
    translate = getattr(provider, "uncached", provider.translate)
    return {"text": translate(Phrase(work.text, work.source, work.target)).text, "language": work.target}
