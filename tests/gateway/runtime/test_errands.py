"""Small things to do in Redis: what goes wrong with them is told, with whose they were."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bridge.errors import RedisUnavailable
from gateway.runtime.errands import Errands


@pytest.mark.parametrize(
    ("error", "event"),
    [(RedisUnavailable("Redis is away."), "not done in redis"), (ValueError("broken"), "errand failed")],
)
def test_what_fails_is_logged_with_its_session_and_segment(error: Exception, event: str) -> None:
    async def errand() -> None:
        raise error

    async def scenario() -> None:
        errands = Errands()
        errands.run("cancel", errand(), session="alice", segment=3)
        await errands.done()

    with capture_logs() as lines:
        asyncio.run(scenario())

    [line] = lines
    assert (line["event"], line["what"]) == (event, "cancel")
    assert (line["session"], line["segment"]) == ("alice", 3)
