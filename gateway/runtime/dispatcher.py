"""Work on its way to the queues: in a fair order, no more of it in a queue than its workers begin soon.

What waits for a stage waits here, where nobody stands behind another's backlog: sessions take turns, live
speakers before recordings. A segment leaves while each queue on its way holds fewer than two pieces for each
slot: one that runs, and one at hand for when it is done. A recording's needs a slot that is free, so that a
live speaker who comes next waits for one piece at most. What is sent again from a later stage takes the
place of what was lost. A segment whose speech must come in time does not wait for room in the queue of tts:
it leaves without its speech where that would come too late. A draft waits for nothing: it is sent where
nobody else would have to wait for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import structlog

from bridge import pipeline, placement
from bridge.errors import BridgeError, NoWorker
from bridge.store import keys
from bridge.store.sessions import Sessions
from bridge.types import Stage
from gateway.core.inputs import Key, Sent, Shed, Unsent
from gateway.core.pressure import Level
from gateway.runtime.fleet import Fleet
from gateway.runtime.lanes import Job, Lane, Told, spared
from gateway.runtime.occupancy import Occupancy
from gateway.runtime.shedding import Shedding
from gateway.runtime.tally import dispatched
from gateway.runtime.writer import Writer

log = structlog.get_logger(__name__)

SHARE = 8
"""Of so many dispatches one is a recording's, however many speakers wait."""
AT_HAND = 2
"""Pieces for each slot. With one, it would stand still from each result until the gateway heard of it."""
SENDERS = 2
"""Threads that send: a canvas takes 2 to 3 ms of Celery's time, most of it with the interpreter lock."""

_BUSY = "no slot is free for a draft"


class Dispatcher:
    """One for each gateway."""

    def __init__(
        self,
        fleet: Fleet,
        sessions: Sessions,
        writer: Writer,
        deadline: float,
        budget: float = 0.0,
    ) -> None:
        """`deadline` is how long, in seconds, work is wanted after it was cut; `budget` see Shedding."""
        self._fleet = fleet
        self._sessions = sessions
        self._writer = writer
        self._deadline = deadline
        self._executor = ThreadPoolExecutor(SENDERS, thread_name_prefix="send")
        self._live = Lane()
        self._recorded = Lane()
        self._turn = 0
        self._occupancy = Occupancy()
        self.shedding = Shedding(fleet, self._occupancy, budget)
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

    def submit(self, job: Job) -> None:
        """Sends it when it is its turn; a draft at once or not at all."""
        if job.submit.urgency == "draft":
            self._draft(job)
            return
        self.shedding.submitted(job.session, live=job.submit.live)
        (self._live if job.submit.live else self._recorded).add(job)
        self.pump()

    def _draft(self, job: Job) -> None:
        """Nobody may wait for a draft: it is sent where each queue on its way has a slot that is free."""
        if (plan := self._plan(job)) is None:
            return
        if (
            self._live
            or self.shedding.level >= Level.DRAFTS
            or any(self._fleet.load(queue) >= 1 for queue in plan.values())
            or not self._fits("stt", plan, 1)
        ):
            self._tell(job, Unsent(*job.key, _BUSY))
        else:
            self._begin(job, plan)

    @property
    def waiting(self) -> int:
        """How many pieces of work wait for their turn."""
        return len(self._live) + len(self._recorded)

    def free(self, session: str, keys: Sequence[Key]) -> None:
        """These pieces of work take no room in their queues any more, and need not be sent if they wait."""
        for lane in (self._live, self._recorded):
            lane.drop(session, keys)
        if self._occupancy.free(session, keys):
            self.pump()

    def forget(self, session: str) -> None:
        """The session is over."""
        for lane in (self._live, self._recorded):
            lane.forget(session)
        self._occupancy.forget(session)
        self.shedding.forget(session)
        self.pump()

    def looked(self) -> None:
        """The workers were looked at."""
        self.shedding.looked(time.monotonic(), [job.submit for job in self._live])
        for session in [job.session for job in self._live.firsts]:
            while (job := self._live.first(session)) and self._hopeless(job):
                self._live.leave(session)
        self.pump()

    def _hopeless(self, job: Job) -> bool:
        """Whether nothing of it can come in time, which its session is told."""
        if not job.submit.work.due:
            return False
        if (plan := self._plan(job)) is None:
            return True
        if not self.shedding.treat(job.session, job.submit, plan).drop:
            return False
        self._shed(job, None)
        return True

    def pump(self) -> None:
        """Sends all that has room now."""
        while self._next():
            pass

    def _next(self) -> bool:
        if self._turn % SHARE == SHARE - 1:
            return self._from(self._recorded, AT_HAND) or self._from(self._live, AT_HAND)
        return self._from(self._live, AT_HAND) or self._from(self._recorded, 1)

    def _from(self, lane: Lane, most: int) -> bool:
        """Sends the first job whose queues hold fewer than `most` pieces for each slot, and lets its
        session wait behind the others."""
        for job in lane.firsts:
            plan = self._plan(job)
            if plan is not None and not self._fits(job.submit.stage, _before_speech(job, plan), most):
                continue
            lane.leave(job.session)
            if plan is not None:
                self._turn += 1
                self._treat(job, plan)
            return True
        return False

    def _treat(self, job: Job, plan: dict[placement.Place, str]) -> None:
        """Sends what can come in time, and says what is left out."""
        submit = job.submit
        found = self.shedding.treat(job.session, submit, plan)
        self.shedding.note(job.session, found)
        if found.drop:
            self._shed(job, None)
            return
        if new := found.mute - submit.mute:
            self._shed(job, tuple(sorted(new)))
        job.submit, spoken = self.shedding.reduced(submit, plan, found)
        self._begin(job, spoken)

    def _shed(self, job: Job, targets: tuple[str, ...] | None) -> None:
        what = "All of it" if targets is None else "Its speech"
        reason = (
            f"{what} would come more than {self.shedding.budget:g} s after it was said: the engines are busy."
        )
        self._tell(job, Shed(job.submit.work.segment, targets, reason))

    def _plan(self, job: Job) -> dict[placement.Place, str] | None:
        """The queues of a job; None, and the job is told, where nobody can do it."""
        submit = job.submit
        targets = [target.language for target in submit.targets]
        try:
            return placement.plan(
                submit.stage,
                submit.work.source,
                targets,
                self._fleet.workers,
                self._load,
                self._fleet.departed,
                submit.work.among,
            )
        except NoWorker as error:
            self._tell(job, Unsent(*job.key, error.message))
            return None

    def _load(self, queue: str) -> float:
        slots = max(1, self._fleet.slots.get(queue, 1))
        return max(self._occupancy.bound[queue] / slots, self._fleet.load(queue))

    def load(self, queue: str) -> float:
        """Work per slot that this gateway has in a queue."""
        return self._occupancy.here[queue] / max(1, self._fleet.slots.get(queue, 1))

    def idle(self, queue: str, more: int) -> bool:
        """Whether a slot of a queue is free at this moment, beside `more` that are taken for other things,
        and nobody waits for one."""
        here = self._occupancy.here[queue] + more
        calm = not self._live and self.shedding.level < Level.PARTIALS
        return calm and self._fleet.load(queue) < 1 and here < self._fleet.slots.get(queue, 1)

    def _fits(self, stage: Stage, plan: dict[placement.Place, str], most: int) -> bool:
        if stage != "stt":
            return True  # sent again: it takes the place of what was lost
        here = self._occupancy.here
        return all(here[queue] < self._fleet.slots.get(queue, 1) * most for queue in plan.values())

    def _begin(self, job: Job, plan: dict[placement.Place, str]) -> None:
        job.submit = spared(job.submit, plan, self._fleet.workers)
        segment = job.submit.work.segment
        self._occupancy.begin(job.session, {(segment, *place): queue for place, queue in plan.items()})
        task = asyncio.create_task(self._send(job, plan), name="send")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, job: Job, plan: dict[placement.Place, str]) -> None:
        segment = job.submit.work.segment
        queues: dict[Key, str] = {(segment, *place): queue for place, queue in plan.items()}
        try:
            await self._prepare(job)
            if job.session not in self._occupancy:
                await self._sessions.drop_audio(job.submit.work.audio)  # the session ended meanwhile
                return
            await asyncio.get_running_loop().run_in_executor(
                self._executor, pipeline.send, job.submit.work, job.submit.stage, job.submit.targets, plan
            )
        except BridgeError as error:
            self._unsent(job, queues, error.message)
        except Exception as error:
            log.exception("work not sent", stage=job.submit.stage, **job.named)
            self._unsent(job, queues, f"it could not be sent ({type(error).__name__})")
        else:
            dispatched(job.submit, self._fleet.now())
            self._tell(job, Sent(*job.key, queues))

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

    def _unsent(self, job: Job, queues: dict[Key, str], why: str) -> None:
        self.free(job.session, list(queues))
        self._tell(job, Unsent(*job.key, why))

    def _tell(self, job: Job, what: Told) -> None:
        if isinstance(what, Unsent) and what.reason != _BUSY:
            log.warning(
                "segment not sent",
                stage=what.stage,
                why=what.reason,
                **job.named,
            )
        # Not at once: the session may be in the middle of what it does.
        asyncio.get_running_loop().call_soon(job.tell, what)


def _before_speech(job: Job, plan: dict[placement.Place, str]) -> dict[placement.Place, str]:
    """The queues in which it needs room: speech that must come in time is left out where it cannot."""
    if not job.submit.work.due:
        return plan
    return {place: queue for place, queue in plan.items() if place[0] != "tts"}
