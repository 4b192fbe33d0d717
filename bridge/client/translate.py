"""Sends a whole stream and gathers all that comes of it: what `translate`, self-check and benchmarks do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from bridge.client.collector import Collector, Result
from bridge.client.connection import Client, limited
from bridge.errors import GatewayError
from bridge.protocol import server_messages
from bridge.types import SAMPLE_BYTES, SPEECH_RATE

FRAME_BYTES = SPEECH_RATE // 50 * SAMPLE_BYTES
"""What a browser sends at a time: 20 ms, and below the smallest WS_MAX_MESSAGE_SIZE."""
BULK_BYTES = 32_000
"""What is sent at a time as fast as possible, if the server takes so much: one second."""

STALL_SECONDS = 180.0
"""Three times the deadline of a segment: a gateway that neither reads nor writes for so long is stuck."""
Blocks = AsyncIterable[bytes] | Iterable[bytes]


async def translate(
    url: str,
    blocks: Blocks,
    source: str,
    targets: Sequence[str],
    *,
    realtime: bool = False,
    on_progress: Callable[[float], None] | None = None,
    rate: int | None = None,
    vad: Mapping[str, float] | None = None,
) -> Result:
    """Sends a stream of PCM s16le mono 16 kHz and gathers all that comes of it.

    `realtime` sends each 20 ms when a microphone would have them, otherwise as fast as the server
    reads. `on_progress` is told how many milliseconds of the stream are done with. Raises
    GatewayError, ProtocolError, and whatever `blocks` raises.
    """
    async with Client(url, source, targets, rate=rate, vad=vad) as client:
        collector = Collector(client.started)
        result = collector.result
        result.began = time.monotonic()
        try:
            async with (
                limited(STALL_SECONDS, f"{client.url} came to a halt.") as limit,
                asyncio.TaskGroup() as group,
            ):
                sending = group.create_task(_send(client, blocks, result.began if realtime else None, limit))
                async for message in client:
                    collector.take(message, time.monotonic())
                    _put_off(limit)
                    if on_progress and isinstance(message, server_messages.SegmentDone):
                        on_progress(result.segments[message.segment].end_ms)
                if not sending.done():
                    raise GatewayError("The gateway ended the session before all was said.", code="cut_short")
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
    return result


async def _send(client: Client, blocks: Blocks, began: float | None, limit: asyncio.Timeout) -> None:
    """Sends all blocks and the end. A lost connection is left to the receiver, which hears the reason."""
    sent = 0
    most = client.started.limits.max_message_bytes // SAMPLE_BYTES * SAMPLE_BYTES
    size = min(BULK_BYTES, most) if began is None else FRAME_BYTES
    with suppress(GatewayError):
        async for frame in _frames(blocks, size):
            sent += len(frame)
            if began is not None:
                due = began + sent / (SPEECH_RATE * SAMPLE_BYTES)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await client.send_audio(frame)
            _put_off(limit)
        await client.end()


def _put_off(limit: asyncio.Timeout) -> None:
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time() + STALL_SECONDS)


async def _frames(blocks: Blocks, size: int) -> AsyncIterator[bytes]:
    rest = bytearray()
    async for block in _each(blocks):
        rest += block
        while len(rest) >= size:
            yield bytes(rest[:size])
            del rest[:size]
    if rest:
        yield bytes(rest)


async def _each(blocks: Blocks) -> AsyncIterator[bytes]:
    """The blocks; those of a plain iterable are made in a thread, so that decoding delays no message."""
    if isinstance(blocks, AsyncIterable):
        async for block in blocks:
            yield block
        return
    iterator = iter(blocks)
    while (made := await asyncio.to_thread(next, iterator, None)) is not None:
        yield made
