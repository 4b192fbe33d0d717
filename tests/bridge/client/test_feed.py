"""Audio that is read ahead of what is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from bridge.client.feed import Feed


def test_an_interruption_while_the_source_is_being_closed_is_not_lost() -> None:
    closing = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        try:
            yield bytes(320)
            await asyncio.sleep(60)
        finally:
            closing.set()
            await asyncio.sleep(0.05)

    async def use() -> str:
        async with Feed(source()) as feed:
            reading = asyncio.create_task(feed.read(0, 640, 640))
            await asyncio.sleep(0.01)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        return "went on as if nobody had interrupted it"

    async def scene() -> None:
        user = asyncio.create_task(use())
        await closing.wait()
        user.cancel()
        (ended,) = await asyncio.gather(user, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)

    asyncio.run(scene())
