"""What leaves to a client: one row of numbers over text and audio, and a writer nobody waits for."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.messages import Pong, SpeechStarted
from gateway.outbox import PENDING_BYTES, Outbox
from gateway.wire import unpack_audio


class Client:
    """The far end of the socket: keeps what was written, and takes nothing while `stalled`."""

    def __init__(self) -> None:
        self.frames: list[str | bytes] = []
        self.reading = asyncio.Event()
        self.reading.set()

    async def take(self, frame: str | bytes) -> None:
        await self.reading.wait()
        self.frames.append(frame)


def talk(scene: Callable[[Outbox, Client], Awaitable[None]]) -> Client:
    """Plays `scene` while a writer carries the outbox to a client."""

    async def play() -> Client:
        outbox, client = Outbox(), Client()
        writer = asyncio.create_task(outbox.write(client.take, client.take))
        await scene(outbox, client)
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        return client

    return asyncio.run(play())


def number(frame: str | bytes) -> int:
    return int(json.loads(frame)["seq"]) if isinstance(frame, str) else unpack_audio(frame).seq


@given(st.lists(st.booleans(), max_size=30))
def test_text_and_audio_share_one_row_of_numbers(audio: list[bool]) -> None:
    async def scene(outbox: Outbox, client: Client) -> None:
        for is_audio in audio:
            if is_audio:
                outbox.play(3, 1, 7, b"ab")
            else:
                outbox.say(Pong())
        assert outbox.seq == len(audio)
        await outbox.drained(5)

    frames = talk(scene).frames

    assert [isinstance(frame, bytes) for frame in frames] == audio
    assert [number(frame) for frame in frames] == list(range(1, len(audio) + 1))


def test_text_is_stamped_with_the_time_since_the_start() -> None:
    async def scene(outbox: Outbox, client: Client) -> None:
        outbox.say(Pong())
        await asyncio.sleep(0.02)
        outbox.say(SpeechStarted(segment=4))
        await outbox.drained(5)

    first, second = (json.loads(frame) for frame in talk(scene).frames)

    assert (first["type"], second["type"], second["segment"]) == ("pong", "speech.started", 4)
    assert 0 <= first["t_ms"] < 10
    assert 20 <= second["t_ms"] - first["t_ms"] < 2_000


def test_audio_says_where_it_belongs_and_whether_it_is_the_last() -> None:
    async def scene(outbox: Outbox, client: Client) -> None:
        outbox.play(3, 1, 7, b"abcd")
        outbox.play(3, 1, 9, b"", last=True)
        await outbox.drained(5)

    piece, end = (unpack_audio(frame) for frame in talk(scene).frames if isinstance(frame, bytes))

    assert (piece.segment, piece.target, piece.offset, piece.last, piece.pcm) == (3, 1, 7, False, b"abcd")
    assert (end.offset, end.last, end.pcm) == (9, True, b"")


def test_a_client_that_does_not_read_holds_up_the_writer_only() -> None:
    async def scene(outbox: Outbox, client: Client) -> None:
        client.reading.clear()
        for _ in range(1_000):
            outbox.say(Pong())
        since = time.monotonic()
        await outbox.drained(0.05)
        assert 0.04 < time.monotonic() - since < 1
        assert client.frames == []
        client.reading.set()
        await outbox.drained(5)
        assert len(client.frames) == 1_000

    talk(scene)


def test_drained_waits_for_what_was_said_before_and_no_longer() -> None:
    async def scene(outbox: Outbox, client: Client) -> None:
        await outbox.drained(5)
        outbox.say(Pong())
        since = time.monotonic()
        await outbox.drained(5)
        assert time.monotonic() - since < 1
        assert len(client.frames) == 1

    talk(scene)


def test_a_connection_that_breaks_ends_the_writer_with_its_error() -> None:
    async def broken(_: str | bytes) -> None:
        raise ConnectionResetError

    async def play() -> None:
        outbox = Outbox()
        outbox.say(Pong())
        with pytest.raises(ConnectionResetError):
            await outbox.write(broken, broken)

    asyncio.run(play())


def test_a_client_that_reads_slowly_makes_the_session_wait() -> None:
    async def scenario() -> tuple[bool, bool]:
        outbox = Outbox()
        for _ in range(5):
            outbox.play(0, 0, 0, bytes(PENDING_BYTES // 4))
        waiting = asyncio.create_task(outbox.room())
        await asyncio.sleep(0)
        before = waiting.done()

        async def read(_: str | bytes) -> None:
            await asyncio.sleep(0)

        writer = asyncio.create_task(outbox.write(read, read))
        async with asyncio.timeout(2):
            await waiting
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        return before, waiting.done()

    assert asyncio.run(scenario()) == (False, True)
