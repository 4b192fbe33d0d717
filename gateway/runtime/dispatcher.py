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

import time
from collections.abc import Sequence

import structlog

from bridge.errors import NoWorker
from bridge.placement import LeastLoaded, Place, Strategy
from bridge.store.sessions import Sessions
from gateway.core.inputs import Key, Shed, Unsent
from gateway.core.pressure import Level
from gateway.runtime.fleet import Fleet
from gateway.runtime.lanes import Job, Lane, Told, spared
from gateway.runtime.occupancy import Occupancy
from gateway.runtime.pace import Pace
from gateway.runtime.placer import AT_HAND, Placer
from gateway.runtime.sender import Sender
from gateway.runtime.shedding import Shedding
from gateway.runtime.writer import Writer

log = structlog.get_logger(__name__)

SHARE = 8
"""Of so many dispatches one is a recording's, however many speakers wait."""

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
        strategy: Strategy | None = None,
    ) -> None:
        """`deadline` is how long, in seconds, work is wanted after it was cut; `budget` see Shedding; work
        goes to the least loaded queues where no other `strategy` is given."""
        self._fleet = fleet
        self._live = Lane()
        self._recorded = Lane()
        self._turn = 0
        self._occupancy = Occupancy()
        self.shedding = Shedding(fleet, self._occupancy, budget)
        pace = Pace(self.shedding.service, self._occupancy)
        self.placer = Placer(fleet, self._occupancy, pace, strategy or LeastLoaded())
        self._sender = Sender(
            fleet, sessions, writer, deadline, lambda session: session not in self._occupancy, self._unsent
        )

    async def warm(self) -> None:
        """Connects, so that the first segment need not."""
        await self._sender.warm()

    async def stop(self) -> None:
        """Ends what is being sent."""
        await self._sender.stop()

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
        if (plan := self._plan(job, 1)) is None:
            return
        if (
            self._live
            or self.shedding.level >= Level.DRAFTS
            or any(self._fleet.load(queue) >= 1 for queue in plan.values())
            or not self.placer.fits("stt", plan, 1)
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
        self.placer.forget(session)
        self.shedding.forget(session)
        self.pump()

    def looked(self) -> None:
        """The workers were looked at."""
        self.placer.looked()
        self.shedding.looked(time.monotonic(), [job.submit for job in self._live])
        for session in [job.session for job in self._live.firsts]:
            while (job := self._live.first(session)) and self._hopeless(job):
                self._live.leave(session)
        self.pump()

    def _hopeless(self, job: Job) -> bool:
        """Whether nothing of it can come in time, which its session is told."""
        if not job.submit.work.due:
            return False
        if (plan := self._plan(job, AT_HAND)) is None:
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
            plan = self._plan(job, most)
            if plan is not None and not self.placer.fits(job.submit.stage, _before_speech(job, plan), most):
                continue
            lane.leave(job.session)
            if plan is not None:
                self._turn += 1
                self._treat(job, plan)
            return True
        return False

    def _treat(self, job: Job, plan: dict[Place, str]) -> None:
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

    def _plan(self, job: Job, most: int) -> dict[Place, str] | None:
        """The queues of a job; None, and the job is told, where nobody can do it."""
        waiting = 0 if job.submit.urgency == "draft" else self._waiting_beside(job)
        try:
            return self.placer.plan(job.session, job.submit, most, waiting)
        except NoWorker as error:
            self._tell(job, Unsent(*job.key, error.message))
            return None

    def _waiting_beside(self, job: Job) -> int:
        """How many others wait here that are sent before it, or are as likely to be."""
        return max(0, (len(self._live) if job.submit.live else self.waiting) - 1)

    def idle(self, queue: str, more: int) -> bool:
        """Whether a slot of a queue is free at this moment, beside `more` that are taken for other things,
        and nobody waits for one."""
        here = self._occupancy.here[queue] + more
        calm = not self._live and self.shedding.level < Level.PARTIALS
        return calm and self._fleet.load(queue) < 1 and here < self.placer.slots(queue)

    def _begin(self, job: Job, plan: dict[Place, str]) -> None:
        job.submit = spared(job.submit, plan, self._fleet.workers)
        self.placer.sent(job.session, job.submit.work.segment, plan)
        self._sender.begin(job, plan)

    def _unsent(self, job: Job, of: list[Key], why: str) -> None:
        self.free(job.session, of)
        self._tell(job, Unsent(*job.key, why))

    def _tell(self, job: Job, what: Told) -> None:
        if isinstance(what, Unsent) and what.reason != _BUSY:
            log.warning("segment not sent", stage=what.stage, why=what.reason, **job.named)
        job.told(what)


def _before_speech(job: Job, plan: dict[Place, str]) -> dict[Place, str]:
    """The queues in which it needs room: speech that must come in time is left out where it cannot."""
    if not job.submit.work.due:
        return plan
    return {place: queue for place, queue in plan.items() if place[0] != "tts"}
