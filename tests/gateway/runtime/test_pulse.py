"""A loop that is held shows it."""

from __future__ import annotations

import asyncio
import time

from prometheus_client import REGISTRY

from gateway.runtime.pulse import Pulse


def lag(part: str) -> float:
    return REGISTRY.get_sample_value(f"bridge_event_loop_lag_seconds_{part}") or 0


def test_how_late_the_loop_is_when_something_held_it_is_measured_at_each_beat() -> None:
    async def run() -> None:
        pulse = Pulse(0.01)
        pulse.start()
        time.sleep(0.06)  # noqa: ASYNC251 - what it is about
        await asyncio.sleep(0.03)
        pulse.stop()

    beats, late = lag("count"), lag("sum")
    asyncio.run(run())
    assert lag("count") - beats >= 2
    assert lag("sum") - late >= 0.045


def test_nothing_is_measured_once_it_is_stopped() -> None:
    async def run() -> None:
        pulse = Pulse(0.001)
        pulse.start()
        pulse.stop()
        beats = lag("count")
        await asyncio.sleep(0.02)
        assert lag("count") == beats

    asyncio.run(run())
