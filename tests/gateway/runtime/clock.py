"""Waiting, beside what runs in the same loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], bool], seconds: float = 10) -> float:
    """Waits for `condition`; how long that took, in seconds."""
    since = time.monotonic()
    while not condition():
        assert time.monotonic() - since < seconds
        await asyncio.sleep(0.005)
    return time.monotonic() - since
