"""How late the event loop runs what is due: what whoever computes on it costs everybody."""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from time import monotonic

from bridge.metrics.gateway import LAG

INTERVAL_SECONDS = 0.25


class Pulse:
    """A timer of the running loop, from `start` to `stop`."""

    def __init__(self, interval: float = INTERVAL_SECONDS) -> None:
        self._interval = interval
        self._timer: TimerHandle | None = None

    def start(self) -> None:
        """Begins; one beat is due each interval."""
        self._expect(monotonic() + self._interval)

    def stop(self) -> None:
        """Ends."""
        if self._timer is not None:
            self._timer.cancel()

    def _expect(self, due: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(due - monotonic(), self._beat, due)

    def _beat(self, due: float) -> None:
        now = monotonic()  # the clock of uvloop stands still within a round of it
        LAG.observe(max(0.0, now - due))
        self._expect(max(due, now) + self._interval)
