"""Looks at speech that goes on, on their way to the queues: sent where a slot is free at this moment, or not.

Under load they go first: nothing of them ever waits here, and a final that comes behind one waits in its
queue for the one call of the engine that runs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from bridge import pipeline
from bridge.errors import BridgeError, NoWorker
from bridge.metrics import gateway as series
from bridge.store.sessions import Sessions
from bridge.types import Stage
from gateway.core.effects import Submit
from gateway.core.inputs import Skipped
from gateway.core.partials import GONE
from gateway.runtime.dispatcher import Dispatcher
from gateway.runtime.writer import Writer

log = structlog.get_logger(__name__)

Tell = Callable[[Skipped], object]
_Place = tuple[str, Stage, str | None]


class Partials:
    """One for each gateway."""

    def __init__(self, sessions: Sessions, writer: Writer, dispatcher: Dispatcher) -> None:
        self._sessions = sessions
        self._writer = writer
        self._dispatcher = dispatcher
        # Of its own: no final waits for a thread that sends a look.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="look")
        self._running: dict[_Place, tuple[str, float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Ends what is being sent."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def submit(self, submit: Submit, tell: Tell) -> None:
        """Sends a look at once; where it cannot be, `tell` hears of it in a moment."""
        work = submit.work
        place = (work.session, submit.stage, work.target)
        self._running.pop(place, None)
        queue = self._queue(submit)
        if queue is None:
            self._skip(submit, tell)
            return
        self._running[place] = (queue, time.monotonic() + GONE)
        task = asyncio.create_task(self._send(submit, queue, tell), name="look")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def landed(self, session: str, stage: Stage, target: str | None) -> None:
        """A look came back."""
        self._running.pop((session, stage, target), None)

    def forget(self, session: str) -> None:
        """The session is over."""
        self._running = {place: run for place, run in self._running.items() if place[0] != session}

    def _queue(self, submit: Submit) -> str | None:
        """The queue of a worker that stands idle."""
        try:
            queue = self._dispatcher.placer.look(submit, self._count)
        except NoWorker:
            return None
        return queue if self._dispatcher.idle(queue, self._count(queue)) else None

    def _count(self, queue: str) -> int:
        now = time.monotonic()
        return sum(of == queue and until > now for of, until in self._running.values())

    async def _send(self, submit: Submit, queue: str, tell: Tell) -> None:
        work, stage = submit.work, submit.stage
        try:
            await self._writer.written()  # that the segment has begun, before what is said in it
            if stage == "stt":
                key = await self._sessions.put_partial(
                    work.session, work.segment, work.index, submit.pcm, submit.left
                )
                work = work.but(audio=key)
            await asyncio.get_running_loop().run_in_executor(
                self._executor, pipeline.send, work, stage, (), {(stage, work.target): queue}
            )
        except BridgeError as error:
            log.info(
                "partial not sent", session=work.session, segment=work.segment, stage=stage, why=error.message
            )
            self._lose(submit, tell)
        except Exception:
            log.exception("partial not sent", session=work.session, segment=work.segment, stage=stage)
            self._lose(submit, tell)

    def _lose(self, submit: Submit, tell: Tell) -> None:
        self.landed(submit.work.session, submit.stage, submit.work.target)
        self._skip(submit, tell)

    def _skip(self, submit: Submit, tell: Tell) -> None:
        series.PARTIALS.labels("coalesced").inc()
        # Not at once: the session may be in the middle of what it does.
        asyncio.get_running_loop().call_soon(tell, Skipped(submit.stage, submit.work.target))
