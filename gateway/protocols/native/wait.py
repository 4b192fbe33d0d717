"""Keeps what a client says while something else must be over first, so that its order is kept."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any


class Wait:
    """Of one connection. Meanwhile nothing is read, so little is kept; it is taken, in order, afterwards."""

    def __init__(self, hold: Callable[[bool], None], take: Callable[[str | bytes], None]) -> None:
        """`hold` stops and resumes reading, `take` is given what was kept."""
        self.kept: deque[str | bytes] = deque()
        self._hold = hold
        self._take = take
        self._task: asyncio.Task[None] | None = None
        self._keeping = self._full = False

    @property
    def busy(self) -> bool:
        """Whether something is waited for."""
        return self._task is not None

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """What the client says meanwhile is heard after `work`."""
        self._keeping = True
        self._hold(True)
        self._task = asyncio.create_task(self._run(work), name="wait")

    def hold(self, holding: bool) -> None:
        """Reads no further for another reason, or again."""
        self._full = holding
        if not self._keeping:
            self._hold(holding)

    async def cancel(self) -> None:
        """Waits no longer."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        await work
        self._task = None
        while self.kept and self._task is None:
            self._take(self.kept.popleft())
        if self._task is None:
            self._keeping = False
            self._hold(self._full)
