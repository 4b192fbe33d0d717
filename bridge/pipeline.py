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

FINAL = 0
"""The most urgent priority on Redis; nothing else is sent yet."""


def canvas(work: Work, targets: Sequence[Target], plan: Plan) -> Signature[Any]:
    """STT once, then translation and TTS for each target by itself; without targets STT alone."""
    first = _placed(transcribe.s(work.message()), plan["stt", None])
    if not targets:
        return first
    return chain(
        first,
        group(branch(translate.s(to.language, to.voice), to.language, plan) for to in targets),
    )


def branch(translation: Signature[Any], target: str, plan: Plan) -> Signature[Any]:
    """Translation, then TTS where the plan has a queue for it, for one target."""
    first = _placed(translation, plan["translation", target])
    if (spoken := plan.get(("tts", target))) is None:
        return first
    return chain(first, _placed(synthesize.s(), spoken))


def rest(work: Work, stage: Stage, plan: Plan) -> Signature[Any]:
    """What is left of one target's branch from `stage` (translation or tts) on."""
    assert work.target is not None
    if stage == "tts":
        return _placed(synthesize.s(work.message()), plan["tts", work.target])
    return branch(translate.s(work.message(), work.target, work.voice), work.target, plan)


def _placed(signature: Signature[Any], queue: str) -> Signature[Any]:
    return signature.set(queue=queue, priority=FINAL)


def send(work: Work, stage: Stage, targets: Sequence[Target], plan: Plan) -> None:
    """Sends work from `stage` on. Blocks for some milliseconds: call it off the event loop.

    Raises RedisUnavailable where nothing can be sent. That does not prove that nothing was: whoever reads
    the journal drops what comes twice.
    """
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
