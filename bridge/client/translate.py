"""Sends a whole stream through one session and gathers all that comes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from bridge.client.collector import Collector, Result
from bridge.client.connection import Client
from bridge.client.feed import Blocks, Feed
from bridge.client.opening import limited
from bridge.errors import GatewayError
from bridge.protocol import client_messages, server_messages, wire
from bridge.types import SAMPLE_BYTES, SPEECH_RATE

FRAME_BYTES = SPEECH_RATE // 50 * SAMPLE_BYTES
"""What a browser sends at a time: 20 ms, and below the smallest WS_MAX_MESSAGE_SIZE."""
BULK_BYTES = 32_000
"""What is sent at a time as fast as possible, if the server takes so much: one second."""

STALL_SECONDS = 180.0
"""Three times the deadline of a segment: a gateway that neither reads nor writes for so long is stuck."""
PING_SECONDS = 20.0
"""How often a session is kept alive while its source says nothing: servers give up after 30 s or more."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in a room, and the name that the others see; the fields are those of `Client`."""

    room: str
    secret: str
    role: client_messages.Role
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """How a stream is to be translated, or heard; the fields are those of `Client`. A `seat` is in a room.

    `realtime` sends each 20 ms when a microphone would have them, otherwise as fast as the server reads.
    """

    url: str
    source: str | None
    targets: Sequence[str]
    realtime: bool = False
    rate: int | None = None
    vad: Mapping[str, float] | None = None
    seat: Seat | None = None
    resume: bool = True
    on_change: Callable[[GatewayError | None], None] = lambda _: None

    def client(self) -> Client:
        """The session. Raises GatewayError, ProtocolError."""
        return Client(
            self.url,
            self.source,
            self.targets,
            rate=self.rate,
            vad=self.vad,
            resume=self.resume,
            on_change=self.on_change,
            **(asdict(self.seat) if self.seat else {}),
        )


async def translate(
    url: str,
    blocks: Blocks,
    source: str,
    targets: Sequence[str],
    *,
    realtime: bool = False,
    rate: int | None = None,
    vad: Mapping[str, float] | None = None,
    resume: bool = True,
) -> Result:
    """Sends a stream of PCM s16le mono 16 kHz and gathers all that comes of it; times are places in it.

    A lost connection is taken up again unless `resume` is false. Raises GatewayError, ProtocolError, and
    whatever `blocks` raises.
    """
    async with Feed(blocks) as feed:
        return await passage(Wish(url, source, targets, realtime, rate, vad, resume=resume), feed, 0)


async def passage(
    wish: Wish,
    feed: Feed,
    begin: int,
    on_start: Callable[[Result], None] | None = None,
    on_done: Callable[[int], None] | None = None,
) -> Result:
    """One session over what the feed has from the place `begin` on; raises like `translate`.

    `on_start` is given the result that fills from then on, `on_done` each segment that is done with.
    """
    async with wish.client() as client:
        collector = Collector(client.started)
        result = collector.result
        result.began = time.monotonic()
        if on_start:
            on_start(result)
        try:
            async with (
                limited(STALL_SECONDS, f"{client.url} came to a halt.") as limit,
                asyncio.TaskGroup() as group,
            ):
                sending = group.create_task(
                    _send(client, feed, begin, result.began if wish.realtime else None, limit)
                )
                async for message in client:
                    collector.take(message, time.monotonic())
                    _put_off(limit)
                    if on_done and isinstance(message, server_messages.SegmentDone):
                        on_done(message.segment)
                if not sending.done():
                    raise _cut_short(message)
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
    return result


def _cut_short(last: server_messages.ServerMessage | wire.AudioFrame) -> GatewayError:
    if isinstance(last, server_messages.SessionEnded) and last.message:
        return GatewayError(last.message, last.hint, code=last.code)
    return GatewayError("The gateway ended the session before all was said.", code="cut_short")


async def _send(client: Client, feed: Feed, at: int, began: float | None, limit: asyncio.Timeout) -> None:
    """Sends all there is and the end. A lost connection is left to the receiver, which hears the reason."""
    sent = 0
    most = client.started.limits.max_message_bytes // SAMPLE_BYTES * SAMPLE_BYTES
    size = min(BULK_BYTES, most) if began is None else FRAME_BYTES
    with suppress(GatewayError):
        while frame := await _frame(client, feed, at + sent, size, limit):
            sent += len(frame)
            if began is not None:
                due = began + sent / (SPEECH_RATE * SAMPLE_BYTES)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await client.send_audio(frame)
            _put_off(limit)
        await client.end()


async def _frame(client: Client, feed: Feed, at: int, size: int, limit: asyncio.Timeout) -> bytes:
    """The next audio, however long its source takes; the session is kept alive meanwhile."""
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(PING_SECONDS):
                return await feed.read(at, min(FRAME_BYTES, size), size)
        await client.send(client_messages.Ping())
        _put_off(limit)


def _put_off(limit: asyncio.Timeout) -> None:
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time() + STALL_SECONDS)
