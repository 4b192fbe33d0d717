"""One timer for all whose speech is paced: they wake together, on a grid, not each at a time of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import ceil, floor

import structlog

log = structlog.get_logger(__name__)

STEPS = 4
"""Of the grid in a frame. Frames come at whole steps from each other, so that it adds nothing to the time
between them; 64 sessions of 50 frames a second wake the loop 200 times, not 3 200."""
CLOSE = 1e-3
"""Times are sums of floats: so much of a step too early is in time."""

Work = Callable[[float], None]


class Metronome:
    """One for each gateway. It ticks only while somebody waits."""

    def __init__(self, frame_ms: int, late: Callable[[float], object] | None = None) -> None:
        """`late` is told how many seconds after its time the last of what was due together was done."""
        self.frame_ms = frame_ms
        self._step = frame_ms / 1000 / STEPS
        self._due: dict[int, list[Work]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0
        self._ticking = False
        self._late = late

    @property
    def idle(self) -> bool:
        """Whether nobody waits."""
        return self._timer is None

    def at(self, when: float, work: Work) -> None:
        """Calls `work` once, with the time of the grid that is not before `when`, in seconds of the loop."""
        step = ceil(when / self._step - CLOSE)
        self._due.setdefault(step, []).append(work)
        if not self._ticking and (self._timer is None or step < self._next):
            self._arm(step)

    def _arm(self, step: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = step
        self._timer = asyncio.get_running_loop().call_at(step * self._step, self._tick)

    def _tick(self) -> None:
        step = floor(asyncio.get_running_loop().time() / self._step + CLOSE)
        self._timer, self._ticking = None, True
        due = sorted(each for each in self._due if each <= step)
        for each, works in [(each, self._due.pop(each)) for each in due]:
            for work in works:
                try:
                    work(step * self._step)
                except Exception:
                    log.exception("speech of a session stands still; the others go on")
            if self._late is not None:
                self._late(asyncio.get_running_loop().time() - each * self._step)
        self._ticking = False
        if self._due:
            self._arm(min(self._due))
