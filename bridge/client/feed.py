"""The audio of one recording on its way to the gateway, kept until what was said in it is finished."""

from __future__ import annotations

import asyncio
import bisect
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable
from contextlib import suppress

from bridge.types import SAMPLE_BYTES, SPEECH_RATE, Block

KEPT_BYTES = 30 * 60 * SPEECH_RATE * SAMPLE_BYTES
"""Half an hour, 58 MB: more than a gateway and the sockets between hold unfinished. Silence in which
nothing is ever finished may be longer."""
AHEAD = 8
"""Blocks decoded before they are asked for."""
SAME_MS = 1.0
BYTES_PER_MS = SPEECH_RATE * SAMPLE_BYTES / 1000

Blocks = AsyncIterable[bytes | Block] | Iterable[bytes | Block]
"""PCM s16le mono 16 kHz, with or without its presentation times."""


class Feed:
    """Audio by its place in bytes, read in order, and again from any place that was not forgotten.

    `async with` it, so that its source is left. One reader at a time.
    """

    def __init__(self, blocks: Blocks) -> None:
        self._source = _each(blocks)
        self._ended = False
        self._kept = bytearray()
        self._first = 0
        self._marks = [(0, 0.0)]
        self._next: asyncio.Task[bytes | Block | None] | None = None

    async def __aenter__(self) -> Feed:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)
        await self._source.aclose()

    @property
    def first(self) -> int:
        """The first place that can still be read."""
        return self._first

    async def read(self, at: int, least: int, most: int) -> bytes:
        """What is there from `at` on, whole samples; less than `least` at the end only, and none behind it.

        Raises what the source does.
        """
        while not self._ended and self._first + len(self._kept) < at + least:
            await self._more()
        begin = at - self._first
        there = len(self._kept) - begin
        size = there if self._ended else there // SAMPLE_BYTES * SAMPLE_BYTES
        return bytes(self._kept[begin : begin + min(size, most)])

    def forget(self, before: int) -> None:
        """What is before this place will not be read again."""
        drop = min(max(0, before - self._first), len(self._kept))
        del self._kept[:drop]
        self._first += drop
        del self._marks[: self._mark(self._first)]

    def time_ms(self, at: float) -> float:
        """When the byte at this place is presented."""
        place, time_ms = self._marks[self._mark(at)]
        return time_ms + (at - place) / BYTES_PER_MS

    def _mark(self, at: float) -> int:
        return max(0, bisect.bisect_right(self._marks, at, key=lambda mark: mark[0]) - 1)

    async def _pull(self) -> bytes | Block | None:
        return await anext(self._source, None)

    async def _more(self) -> None:
        # A reader whose connection is lost stops in here; what it waited for is for the next one.
        self._next = self._next or asyncio.create_task(self._pull())
        block = await asyncio.shield(self._next)
        self._next = None
        if block is None:
            self._ended = True
            return
        end = self._first + len(self._kept)
        if isinstance(block, Block):
            if abs(block.at_ms - self.time_ms(end)) > SAME_MS:
                self._marks.append((end, block.at_ms))
            block = block.pcm
        self._kept += block
        self.forget(end + len(block) - KEPT_BYTES)


async def _each(blocks: Blocks) -> AsyncGenerator[bytes | Block, None]:
    """The blocks; those of a plain iterable are made in a thread, so that decoding delays no message."""
    if isinstance(blocks, AsyncIterable):
        async for block in blocks:
            yield block
        return
    made: asyncio.Queue[bytes | Block | BaseException | None] = asyncio.Queue()
    pump = _Pump(blocks, made)
    pump.start()
    try:
        while (item := await made.get()) is not None:
            pump.room.release()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        pump.left.set()
        pump.room.release()


class _Pump(threading.Thread):
    """Makes blocks, a few ahead, and closes what makes them: a decoder must not be closed under a read.

    A daemon: one that waits for a pipe must not keep the program from ending.
    """

    def __init__(
        self, blocks: Iterable[bytes | Block], made: asyncio.Queue[bytes | Block | BaseException | None]
    ) -> None:
        super().__init__(name="recording", daemon=True)
        self.room = threading.Semaphore(AHEAD)
        self.left = threading.Event()
        self._blocks = blocks
        self._made = made
        self._loop = asyncio.get_running_loop()

    def run(self) -> None:
        last: BaseException | None = None
        try:
            for block in self._blocks:
                self.room.acquire()
                if self.left.is_set():
                    return
                self._give(block)
        except Exception as error:
            last = error
        finally:
            if isinstance(self._blocks, Generator):
                self._blocks.close()
        self._give(last)

    def _give(self, item: bytes | Block | BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens
            self._loop.call_soon_threadsafe(self._made.put_nowait, item)
