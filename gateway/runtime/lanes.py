"""Work that waits to be sent: in the order of each session, and sessions take turns."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from bridge import tracing
from bridge.placement import Plan
from bridge.store.registry import WorkerRecord
from gateway.core.effects import Submit, Supersede
from gateway.core.inputs import Key, Sent, Shed, Unsent

Told = Sent | Unsent | Shed


@dataclass(slots=True)
class Job:
    """Work of one session to be sent, and whom to tell."""

    session: str
    submit: Submit
    superseded: Supersede | None
    tell: Callable[[Told], object]

    @property
    def key(self) -> Key:
        return self.submit.work.segment, self.submit.stage, self.submit.work.target

    @property
    def named(self) -> dict[str, Any]:
        """What log lines call it."""
        work = self.submit.work
        return {"session": self.session, "segment": work.segment, **tracing.ids(work.trace)}

    def told(self, what: Told) -> None:
        """Its session hears of it; not at once, since it may be in the middle of what it does."""
        asyncio.get_running_loop().call_soon(self.tell, what)


class Lane:
    """What waits; in a condition it stands for whether anything does."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def __iter__(self) -> Iterator[Job]:
        return (job for jobs in self._waiting.values() for job in jobs)

    @property
    def firsts(self) -> list[Job]:
        """The first of each session, in the order of their turns."""
        return [jobs[0] for jobs in self._waiting.values()]

    def first(self, session: str) -> Job | None:
        """The first of a session."""
        return jobs[0] if (jobs := self._waiting.get(session)) else None

    def add(self, job: Job) -> None:
        """Waits behind the others of its session."""
        self._waiting.setdefault(job.session, deque()).append(job)

    def leave(self, session: str) -> None:
        """The first of a session waits no more; its others wait behind those of the other sessions."""
        self._waiting[session].popleft()
        if self._waiting[session]:
            self._waiting.move_to_end(session)
        else:
            del self._waiting[session]

    def drop(self, session: str, keys: Collection[Key]) -> None:
        """These pieces of work need not be sent."""
        if kept := deque(job for job in self._waiting.get(session, ()) if job.key not in keys):
            self._waiting[session] = kept
        else:
            self.forget(session)

    def forget(self, session: str) -> None:
        """Nothing of the session need be sent."""
        self._waiting.pop(session, None)


def spared(submit: Submit, plan: Plan, workers: Iterable[WorkerRecord]) -> Submit:
    """The same without what was said before, where no engine on its way makes use of that: no words travel
    for nothing."""
    if not submit.work.context:
        return submit
    queues = {queue for (stage, _), queue in plan.items() if stage == "translation"}
    if any(worker.queue in queues and "context" in worker.advice for worker in workers):
        return submit
    return replace(submit, work=submit.work.but(context=()))
