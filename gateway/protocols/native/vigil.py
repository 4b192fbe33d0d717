"""Minds that a client begins a session in time, and says something while it has one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

START_SECONDS = 10
"""A connection that has no session by then is closed as idle, whatever it sent."""


class Vigil:
    """Tells `idle` once, with the seconds it waited and what to do. Times are those of the event loop."""

    def __init__(self, idle: Callable[[float, str], None], seconds: float) -> None:
        """`seconds` is how long a client with a session may say nothing."""
        self._idle = idle
        self._seconds = seconds
        self._heard = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """The connection is open."""
        self._timer = self._loop.call_later(
            START_SECONDS, self._idle, START_SECONDS, "Send session.start first of all."
        )

    def heard(self) -> None:
        """The client said something."""
        self._heard = time.monotonic()

    def started(self) -> None:
        """It has a session now."""
        self.end()
        self._look()

    def end(self) -> None:
        """From now on the client only listens, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Looks again when the patience would be over: no timer is set for each frame."""
        left = self._heard + self._seconds - time.monotonic()
        if left <= 0:
            self._idle(self._seconds, "Send audio or ping while the session is wanted.")
        else:
            self._timer = self._loop.call_later(left, self._look)
