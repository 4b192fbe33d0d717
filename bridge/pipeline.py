"""The pipeline, readable in one place: which task follows which, and on which queue each runs."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from celery import chain, group
from celery.canvas import Signature
from kombu.exceptions import OperationalError

from bridge.errors import RedisUnavailable
from bridge.placement import Plan
from bridge.tasks import app
from bridge.tasks.stt import transcribe
from bridge.tasks.translation import translate
from bridge.tasks.tts import synthesize
from bridge.types import Stage, Target, Work

FINAL, DRAFT, PARTIAL = 0, 3, 6
"""Priorities on Redis, 0 being the most urgent."""


def canvas(work: Work, targets: Sequence[Target], plan: Plan) -> Signature[Any]:
    """STT once, then translation and TTS for each target by itself; without targets STT alone."""
    first = _placed(transcribe.s(work.message()), plan["stt", None], work)
    if not targets:
        return first
    return chain(
        first,
        group(branch(translate.s(*_to(to)), plan, work.but(target=to.language)) for to in targets),
    )


def _to(target: Target) -> tuple[str | float | None, ...]:
    """What translation is told of its target; a pace of its own is told only where there is one."""
    told = (target.language, target.voice)
    return told if target.speed == 1 else (*told, target.speed)


def branch(translation: Signature[Any], plan: Plan, work: Work) -> Signature[Any]:
    """Translation, then TTS where the plan has a queue for it, for the target of `work`."""
    first = _placed(translation, plan["translation", work.target], work)
    if (spoken := plan.get(("tts", work.target))) is None:
        return first
    return chain(first, _placed(synthesize.s(), spoken, work))


def rest(work: Work, stage: Stage, plan: Plan) -> Signature[Any]:
    """What is left of one target's branch from `stage` (translation or tts) on."""
    assert work.target is not None
    if stage == "tts":
        return _placed(synthesize.s(work.message()), plan["tts", work.target], work)
    return branch(translate.s(work.message(), work.target, work.voice), plan, work)


def look(work: Work, stage: Stage, plan: Plan) -> Signature[Any]:
    """One stage of a partial: nothing follows."""
    task = transcribe.s(work.message()) if stage == "stt" else translate.s(work.message(), work.target, None)
    return _placed(task, plan[stage, work.target], work)


def _placed(signature: Signature[Any], queue: str, work: Work) -> Signature[Any]:
    """On its queue, as urgent as it is; its arguments are words, so Flower shows whose it is instead."""
    urgency = PARTIAL if work.partial else DRAFT if work.draft else FINAL
    shown: dict[str, Any] = {"argsrepr": whose(work), "kwargsrepr": ""}
    return signature.set(queue=queue, priority=urgency, **shown)


def whose(work: Work) -> str:
    """What a person is shown of a task: `segment 3 · es · draft 1 · attempt 2 · session 2d015e983d5c4cac`.

    The session comes last, because Flower's table has room for 47 characters; first attempts go unsaid.
    """
    named = (
        f"segment {work.segment}",
        work.target or work.source,
        "partial" if work.partial else f"draft {work.revision}" if work.draft else "",
        f"attempt {work.attempt}" if work.attempt else "",
        f"session {work.session}",
    )
    return " · ".join(filter(None, named))


def send(work: Work, stage: Stage, targets: Sequence[Target], plan: Plan) -> None:
    """Sends work from `stage` on. Blocks for some milliseconds: call it off the event loop.

    Raises RedisUnavailable where nothing can be sent. That does not prove that nothing was: whoever reads
    the journal drops what comes twice.
    """
    if work.partial:
        signature = look(work, stage, plan)
    else:
        signature = canvas(work, targets, plan) if stage == "stt" else rest(work, stage, plan)
    try:
        signature.apply_async()
    except (OperationalError, OSError) as error:
        raise RedisUnavailable(
            f"Redis took no work: {error}.", "The segment is sent again on its own."
        ) from error


def warm() -> None:
    """Connects, so that the first segment need not; a Redis that is away is met later."""
    pool: Any = app.pool
    with contextlib.suppress(OperationalError, OSError), pool.acquire(block=True) as connection:
        connection.ensure_connection(max_retries=1)
