"""Puts work into the queues: what must stand in Redis before it, then the canvas, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import structlog

from bridge import pipeline
from bridge.errors import BridgeError
from bridge.placement import Place
from bridge.store import keys
from bridge.store.sessions import Sessions
from gateway.core.inputs import Key, Sent
from gateway.runtime.fleet import Fleet
from gateway.runtime.lanes import Job
from gateway.runtime.tally import dispatched
from gateway.runtime.writer import Writer

log = structlog.get_logger(__name__)

SENDERS = 2
"""Threads that send: a canvas takes 2 to 3 ms of Celery's time, most of it with the interpreter lock."""


class Sender:
    """One for each gateway. `deadline` is how long, in seconds, work is wanted after it was cut."""

    def __init__(
        self,
        fleet: Fleet,
        sessions: Sessions,
        writer: Writer,
        deadline: float,
        over: Callable[[str], bool],
        unsent: Callable[[Job, list[Key], str], None],
    ) -> None:
        """`over` says whether a session ended, `unsent` is told of what could not be sent, and why."""
        self._fleet = fleet
        self._sessions = sessions
        self._writer = writer
        self._deadline = deadline
        self._over = over
        self._unsent = unsent
        self._executor = ThreadPoolExecutor(SENDERS, thread_name_prefix="send")
        self._tasks: set[asyncio.Task[None]] = set()

    async def warm(self) -> None:
        """Connects, so that the first segment need not."""
        await asyncio.get_running_loop().run_in_executor(self._executor, pipeline.warm)

    async def stop(self) -> None:
        """Ends what is being sent."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def begin(self, job: Job, plan: dict[Place, str]) -> None:
        """Sends a job along its queues; its session is told once that is done."""
        task = asyncio.create_task(self._send(job, plan), name="send")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, job: Job, plan: dict[Place, str]) -> None:
        segment = job.submit.work.segment
        queues: dict[Key, str] = {(segment, *place): queue for place, queue in plan.items()}
        try:
            await self._prepare(job)
            if self._over(job.session):
                await self._sessions.drop_audio(job.submit.work.audio)  # the session ended meanwhile
                return
            await asyncio.get_running_loop().run_in_executor(
                self._executor, pipeline.send, job.submit.work, job.submit.stage, job.submit.targets, plan
            )
        except BridgeError as error:
            self._unsent(job, list(queues), error.message)
        except Exception as error:
            log.exception("work not sent", stage=job.submit.stage, **job.named)
            self._unsent(job, list(queues), f"it could not be sent ({type(error).__name__})")
        else:
            dispatched(job.submit, self._fleet.now())
            job.told(Sent(*job.key, queues))

    async def _prepare(self, job: Job) -> None:
        """What must stand in Redis before a worker takes the work: decision, speech, number."""
        submit = job.submit
        work = submit.work
        if submit.stage == "stt" and not submit.pcm:
            await self._writer.written()  # another gateway stored the speech
            key = keys.audio(job.session, work.segment, work.revision)
            job.submit = replace(submit, work=work.but(audio=key))
        elif submit.stage == "stt":
            _, key = await asyncio.gather(
                self._writer.written(),
                self._sessions.put_audio(
                    job.session, work.segment, work.revision, submit.pcm, self._deadline
                ),
            )
            job.submit = replace(submit, work=work.but(audio=key), pcm=b"")
        else:
            await self._writer.written()
        if (old := job.superseded) is not None:
            await self._sessions.supersede(
                job.session, old.segment, old.revision, old.stage, old.target, old.attempt
            )
