"""Knows what every segment is waiting for and until when; says what to send again or give up.

Sans-I/O: times are arguments, in seconds on any one clock. Work that waits in a queue has longer than
work that a worker has started, because a full queue only gets longer by sending more, while a worker
that goes silent is probably gone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bridge.types import Stage

Key = tuple[int, Stage, str | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds in the queue, since the last sign of a worker, in all; dispatches; pause after a failure."""

    queue: float
    run: float
    total: float
    attempts: int
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Overdue:
    """What to do about a stage of a segment: send it `again` as `attempt`, or `give_up`."""

    segment: int
    stage: Stage
    target: str | None
    attempt: int
    action: Literal["again", "give_up"]
    reason: str


@dataclass(frozen=True, slots=True)
class _Wait:
    attempt: int
    due: float
    reason: str


class Deadlines:
    """One session's expectations."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ends: dict[int, float] = {}
        self._lengths: dict[int, float] = {}
        self._waits: dict[Key, _Wait] = {}

    def cut(self, now: float, segment: int, length: float = 0.0) -> None:
        """A segment with `length` seconds of speech came to be; its transcript is expected.

        STT has that much longer: a slow machine needs as long as the speech lasted.
        """
        self._ends[segment] = now + self._limits.total
        self._lengths[segment] = length
        self.expect(now, segment, "stt")

    def expect(self, now: float, segment: int, stage: Stage, target: str | None = None) -> None:
        """A stage's work is on its way to a queue."""
        self._wait((segment, stage, target), 0, now + self._limits.queue, "no worker took it")

    def seen(self, now: float, segment: int, stage: Stage, target: str | None, attempt: int) -> None:
        """A worker has started, or has sent a part of its result."""
        key = (segment, stage, target)
        wait = self._waits.get(key)
        if wait is not None and attempt >= wait.attempt:
            # Not `attempt`: the stage after one that was sent again begins with a number above its own.
            run = self._limits.run + (self._lengths[segment] if stage == "stt" else 0.0)
            self._wait(key, wait.attempt, now + run, "its worker went silent")

    def finished(self, segment: int, stage: Stage, target: str | None = None) -> bool:
        """A stage's result is complete; False if nobody waited for it."""
        return self._waits.pop((segment, stage, target), None) is not None

    def failed(
        self,
        now: float,
        segment: int,
        stage: Stage,
        target: str | None,
        attempt: int,
        *,
        retryable: bool = True,
    ) -> bool:
        """A stage reported a failure; False if that is final.

        A retryable one is sent again after a pause that grows, while attempts are left. Of twins, one
        that fails decides nothing: not while a later attempt is on its way, nor after the result is there.
        """
        key = (segment, stage, target)
        wait = self._waits.get(key)
        if wait is None or attempt < wait.attempt:
            return True
        self._waits[key] = replace(wait, due=now + self._limits.pause * (attempt + 1), reason="it failed")
        return retryable and wait.attempt + 1 < self._limits.attempts

    def postpone(self, until: float, segment: int, stage: Stage, target: str | None, reason: str) -> None:
        """A stage's work could not be sent; it is due at `until`, and that costs no attempt."""
        key = (segment, stage, target)
        if (wait := self._waits.get(key)) is not None:
            self._wait(key, wait.attempt - 1, until, reason)

    def hurry(self, now: float, reason: str) -> None:
        """All work that is on its way is lost: it is due at `now`, and that costs no attempt."""
        for key, wait in list(self._waits.items()):
            self._wait(key, wait.attempt - 1, now, reason)

    def forget(self, segment: int, target: str | None = None) -> None:
        """Nobody waits any more for a target of a segment, or with None for any of it."""
        for key in [key for key in self._waits if key[0] == segment and target in (None, key[2])]:
            del self._waits[key]
        if target is None:
            self._ends.pop(segment, None)
            self._lengths.pop(segment, None)

    def due(self, now: float) -> list[Overdue]:
        """What is overdue at `now`; what is sent again is expected anew."""
        return [self._overdue(now, key) for key in list(self._waits) if now >= self._due(key)]

    def _due(self, key: Key) -> float:
        return min(self._waits[key].due, self._ends[key[0]])

    def _overdue(self, now: float, key: Key) -> Overdue:
        wait = self._waits.pop(key)
        attempt = wait.attempt + 1
        if now >= self._ends[key[0]]:
            late = f"it would come too late: {wait.reason.removesuffix('.')}"
            return Overdue(*key, attempt, "give_up", late)
        if attempt >= self._limits.attempts:
            times = "once" if attempt == 1 else f"{attempt} times"
            return Overdue(*key, attempt, "give_up", f"{wait.reason}, {times}")
        self._wait(key, attempt, now + self._limits.queue, "no worker took it")
        return Overdue(*key, attempt, "again", wait.reason)

    def _wait(self, key: Key, attempt: int, due: float, reason: str) -> None:
        self._waits[key] = _Wait(attempt, due, reason)
