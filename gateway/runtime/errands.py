"""Small things to do in Redis beside the main way: nobody waits for them, none of their errors is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

import structlog

from bridge.errors import BridgeError, RedisUnavailable

log = structlog.get_logger(__name__)


async def in_time(what: str, errand: Awaitable[None], seconds: float = 2) -> None:
    """Waits for it, but not for longer than that; the log says `what` is missing where it was not done."""
    try:
        async with asyncio.timeout(seconds):
            await errand
    except (BridgeError, TimeoutError) as error:
        log.warning(what, error=str(error))


class Errands:
    """Runs coroutines in the background and logs what goes wrong with them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, what: str, errand: Coroutine[Any, Any, None], **whose: str | int) -> None:
        """Runs `errand`; `what` names it in the log, with the session and segment it is for."""
        task = asyncio.create_task(self._guarded(what, errand, whose), name=what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def done(self) -> None:
        """Waits for all that runs."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _guarded(
        self, what: str, errand: Coroutine[Any, Any, None], whose: dict[str, str | int]
    ) -> None:
        try:
            await errand
        except RedisUnavailable as error:
            log.warning("not done in redis", what=what, error=error.message, **whose)
        except Exception:
            log.exception("errand failed", what=what, **whose)
