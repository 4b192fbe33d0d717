"""What leaves to one client: numbered, stamped, in order, and bounded by what may be in work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from gateway.messages import ServerMessage
from gateway.wire import encode, pack_audio

PENDING_BYTES = 4_000_000
"""Unread bytes at which no further segment is begun: 80 s of speech at 24 kHz."""


class Outbox:
    """Messages in the order in which they were said; one task writes them to the socket."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._seq = 0
        self._queue: asyncio.Queue[str | bytes | asyncio.Event] = asyncio.Queue()
        self._pending = 0
        self._room = asyncio.Event()
        self._room.set()

    @property
    def seq(self) -> int:
        """The number of the message said last."""
        return self._seq

    def say(self, message: ServerMessage) -> None:
        """Queues a control message."""
        self._seq += 1
        t_ms = (time.monotonic() - self._began) * 1000
        self._put(encode(message.model_copy(update={"seq": self._seq, "t_ms": round(t_ms, 1)})))

    def play(self, segment: int, target: int, offset: int, pcm: bytes, *, last: bool = False) -> None:
        """Queues an audio frame; `target` is the index that audio.start announced."""
        self._seq += 1
        frame = pack_audio(seq=self._seq, segment=segment, target=target, offset=offset, pcm=pcm, last=last)
        self._put(frame)

    async def room(self) -> None:
        """Waits while a slow client has PENDING_BYTES still to read."""
        await self._room.wait()

    def _put(self, item: str | bytes) -> None:
        self._pending += len(item)
        if self._pending >= PENDING_BYTES:
            self._room.clear()
        self._queue.put_nowait(item)

    async def drained(self, seconds: float) -> None:
        """Waits until all that was said has been written, at most `seconds`."""
        reached = asyncio.Event()
        self._queue.put_nowait(reached)
        try:
            async with asyncio.timeout(seconds):
                await reached.wait()
        except TimeoutError:
            return

    async def write(
        self, text: Callable[[str], Awaitable[None]], binary: Callable[[bytes], Awaitable[None]]
    ) -> None:
        """Writes until cancelled. A client that reads slowly holds the writer up, not the session."""
        while True:
            item = await self._queue.get()
            if isinstance(item, asyncio.Event):
                item.set()
                continue
            await (text(item) if isinstance(item, str) else binary(item))
            self._pending -= len(item)
            if self._pending < PENDING_BYTES:
                self._room.set()
