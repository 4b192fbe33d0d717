"""Knows what every segment is waiting for and until when; says what to send again or give up.

Times are arguments, in seconds on any one clock. Work that a worker has begun has less time than work
that waits in a queue, because a full queue only gets longer by sending more; but a worker that lives and
says that it still runs the work is never a reason to send it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from math import inf
from typing import Literal

from bridge.types import Stage
from gateway.core.inputs import Key
from gateway.core.terms import Patience

LOOK = 0.6
"""Seconds until it is looked whether a worker runs what another gateway had sent: two looks."""
GRACE = 0.5
"""Seconds that work gets which stays in a vanished worker's queue: what it had just taken out is lost."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """What to do about a stage of a segment: send it `again`, or `give_up`."""

    segment: int
    stage: Stage
    target: str | None
    action: Literal["again", "give_up"]
    reason: str


@dataclass(frozen=True, slots=True)
class _Wait:
    """`attempt` is the newest dispatch, `tries` how many there were, `worker` who has begun it, `sender`
    who was to send it on, if that was a worker; `part` is which part of it is waited for."""

    attempt: int
    tries: int
    due: float
    reason: str
    worker: str = ""
    sender: str = ""
    part: int = 0


_LEFT = "the worker of its queue vanished"
_SOMEBODY = "?"
"""Stands for a worker whose name is not known: what it runs is known by its item."""


class Deadlines:
    """One session's expectations."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._ends: dict[int, float] = {}
        self._lengths: dict[int, float] = {}
        self._waits: dict[Key, _Wait] = {}
        self._heads: dict[Key, _Wait] = {}
        self._astray: set[Key] = set()

    @property
    def next(self) -> float:
        """When something is due, infinity where nothing is waited for."""
        return min((self._due(key) for key in self._waits), default=inf)

    def cut(self, now: float, segment: int, length: float) -> None:
        """A segment with `length` seconds of speech came to be; its transcript will be sent for.

        STT has that much longer: a slow machine needs as long as the speech lasted.
        """
        self._ends[segment] = now + self._patience.total
        self._lengths[segment] = length
        self.wanted((segment, "stt", None), 0)

    def extend(self, now: float, segment: int) -> None:
        """A segment that was a draft is wanted from now on."""
        self._ends[segment] = now + self._patience.total

    def again(self, now: float, segment: int) -> None:
        """A segment that was over is in work again: more of it is wanted."""
        self._ends.setdefault(segment, now + self._patience.total)

    def wanted(self, key: Key, attempt: int) -> None:
        """Work that will be sent."""
        self._waits[key] = _Wait(attempt, 1, inf, "it was not sent")

    def adopt(self, now: float, key: Key, attempt: int, part: int = 0) -> None:
        """Work of a gateway that is gone, `attempt` of which may run, wait in a queue, or not have been sent:
        it is sent again unless a worker says in a moment that it runs it."""
        reason = "the gateway that had sent it is gone"
        self._waits[key] = _Wait(attempt, 1, now + LOOK, reason, worker=_SOMEBODY, part=part)

    def left(self, now: float, segment: int) -> float:
        """Seconds in which the segment is still wanted."""
        return self._ends[segment] - now

    def sent(self, now: float, key: Key, along: Iterable[Key] = ()) -> None:
        """Work is on its way to a queue, `along` with what follows it; what was heard of it sooner counts
        more."""
        self._astray.difference_update(along)
        if (wait := self._waits.get(key)) is not None and wait.due == inf:
            self._waits[key] = replace(wait, due=now + self._patience.queue, reason="no worker took it")

    def follow(self, now: float, key: Key, attempt: int, sender: str, part: int = 0) -> None:
        """`sender` is done with the stage before, so `attempt` of this one is on its way to a queue."""
        self._waits[key] = self._following(now, key, attempt, sender, part)

    def lead(self, now: float, key: Key, attempt: int, sender: str) -> None:
        """`sender` has sent a head on. It is looked after once it is known what follows: what is lost of it
        is sent again with the rest, so nothing of it is due before."""
        self._heads[key] = self._following(now, key, attempt, sender)

    def _following(self, now: float, key: Key, attempt: int, sender: str, part: int = 0) -> _Wait:
        if key in self._astray:
            return _Wait(attempt, 0, now, _LEFT, sender=sender, part=part)
        due = now + self._patience.queue
        return _Wait(attempt, 1, due, "no worker took it", sender=sender, part=part)

    def adopt_lead(self, now: float, key: Key, attempt: int) -> None:
        """The head of a gateway that is gone, as `adopt`."""
        reason = "the gateway that had sent it is gone"
        self._heads[key] = _Wait(attempt, 1, now + LOOK, reason, worker=_SOMEBODY)

    def led(self, key: Key) -> None:
        """The head is spoken."""
        self._heads.pop(key, None)

    def seen(
        self, now: float, key: Key, attempt: int, worker: str, part: int = 0, *, heard: bool = False
    ) -> None:
        """A worker has started, or has sent a part of its result, which is `heard` whatever else was sent."""
        waits = self._table(key, part)
        wait = waits.get(key)
        if wait is not None and (heard or attempt >= wait.attempt):
            run = self._patience.run + (self._lengths[key[0]] if key[1] == "stt" else 0.0)
            reason = "its worker went silent"
            waits[key] = _Wait(attempt, wait.tries, now + run, reason, worker, part=part)

    def finished(self, key: Key) -> bool:
        """A stage's result is complete; False if nobody waited for it."""
        return self._waits.pop(key, None) is not None

    def failed(self, now: float, key: Key, attempt: int, part: int = 0, *, retryable: bool) -> bool:
        """A stage reported a failure; False if that is final.

        A retryable one is sent again after a pause that grows, while attempts are left. Of twins, one
        that fails decides nothing: not while a later attempt is on its way, nor after the result is there.
        """
        waits = self._table(key, part)
        wait = waits.get(key)
        if wait is None or attempt < wait.attempt:
            return True
        pause = self._patience.pause * wait.tries
        waits[key] = replace(wait, due=now + pause, reason="it failed", worker="")
        return retryable and wait.tries < self._patience.attempts

    def postpone(self, now: float, key: Key, reason: str) -> None:
        """Work could not be sent; it is due again in a moment, and that costs no attempt."""
        if (wait := self._waits.get(key)) is not None and not wait.worker:
            due = now + self._patience.resend
            self._waits[key] = replace(wait, tries=wait.tries - 1, due=due, reason=reason, worker="")

    def hurry(self, now: float, reason: str) -> None:
        """All work that is on its way is lost: it is due at `now`, and that costs no attempt."""
        for waits in (self._waits, self._heads):
            for key, wait in waits.items():
                if wait.due < inf:
                    waits[key] = replace(wait, tries=wait.tries - 1, due=now, reason=reason, worker="")

    def vanished(self, now: float, worker: str, waiting: Set[Key], *, elsewhere: bool) -> None:
        """A worker is gone: what it ran is due, and what waits in its queue, `waiting`.

        That costs no attempt where nobody had begun. What waits is due at once where another queue serves
        its stage, and where the worker was to send it and may have died before; where it must stay, as
        others serve the queue or the worker comes back, after a moment, for the one task that the worker may
        have taken out and not begun. What only comes to a queue that nobody serves any more, since the stage
        before is not done yet, will be due then.
        """
        if elsewhere:
            self._astray |= waiting
        for waits in (self._waits, self._heads):
            for key, wait in waits.items():
                if wait.worker == worker:
                    waits[key] = replace(wait, due=now, reason="its worker vanished", worker="")
                elif not wait.worker and wait.due < inf and (key in waiting or wait.sender == worker):
                    at_once = elsewhere or wait.sender == worker
                    due = now if at_once else min(wait.due, now + GRACE)
                    tries = wait.tries - (wait.reason != _LEFT)
                    waits[key] = replace(wait, tries=tries, due=due, reason=_LEFT)

    def forget(self, segment: int, target: str | None = None) -> list[Key]:
        """Nobody waits any more for a target of a segment, or with None for any of it; returns for what."""
        gone = [key for key in self._waits if key[0] == segment and target in (None, key[2])]
        for key in gone:
            del self._waits[key]
        for key in [key for key in self._heads if key[0] == segment and target in (None, key[2])]:
            del self._heads[key]
        self._astray = {key for key in self._astray if key[0] != segment or target not in (None, key[2])}
        if target is None:
            self._ends.pop(segment, None)
            self._lengths.pop(segment, None)
        return gone

    def due(self, now: float, runs: Mapping[Key, bool]) -> list[Overdue]:
        """What is overdue at `now`. `runs` tells of work that has begun whether a living worker runs it."""
        found = []
        for key in [key for key in self._waits if now >= self._due(key)]:
            wait = self._first(key)
            if wait.worker and runs.get(key) and now < self._ends[key[0]]:
                self._table(key, wait.part)[key] = replace(wait, due=now + self._patience.run)
            else:
                found.append(self._overdue(now, key))
        return found

    def taken(self, key: Key) -> bool:
        """Whether a worker has begun it, or a part of it."""
        wait = self._heads.get(key) or self._waits.get(key)
        return wait is not None and bool(wait.worker)

    def drop(self, key: Key) -> None:
        """Nobody waits for this any more."""
        self._waits.pop(key, None)
        self._heads.pop(key, None)

    def begun(self, now: float) -> list[tuple[Key, int, int]]:
        """What is due now and was begun, with its attempt and part: who knows the workers says if it still
        runs."""
        first = ((key, self._first(key)) for key in self._waits)
        return [(key, wait.attempt, wait.part) for key, wait in first if wait.worker and now >= wait.due]

    def sent_again(self, key: Key, attempt: int) -> None:
        """What was overdue is sent as `attempt`, once the dispatcher has room."""
        if (wait := self._waits.get(key)) is not None:
            self._waits[key] = replace(wait, attempt=attempt)

    def _first(self, key: Key) -> _Wait:
        """What is waited for first: the head, as long as it is not spoken."""
        return self._heads.get(key) or self._waits[key]

    def _table(self, key: Key, part: int) -> dict[Key, _Wait]:
        """Where it stands what is waited for of a part of it."""
        return self._heads if part == 0 and key in self._heads else self._waits

    def _due(self, key: Key) -> float:
        return min(self._first(key).due, self._ends[key[0]])

    def _overdue(self, now: float, key: Key) -> Overdue:
        wait = self._first(key)
        del self._waits[key]
        self._heads.pop(key, None)
        if now >= self._ends[key[0]]:
            late = f"it would come too late: {wait.reason.removesuffix('.')}"
            return Overdue(*key, "give_up", late)
        if wait.tries >= self._patience.attempts:
            times = "once" if wait.tries == 1 else f"{wait.tries} times"
            return Overdue(*key, "give_up", f"{wait.reason}, {times}")
        self._waits[key] = _Wait(wait.attempt, wait.tries + 1, inf, "it was not sent")
        return Overdue(*key, "again", wait.reason)
