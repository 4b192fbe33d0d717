"""What leaves to a client: answers first, the stream in its order, and nothing without a bound."""

from __future__ import annotations

import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from gateway.runtime.outbox import ANSWER_BYTES, PENDING_BYTES, Outbox


class Client:
    """The far end of the socket: keeps what was sent, and takes `room` frames before it stalls."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.frames: list[str | bytes] = []
        self.room = room
        self.outbox = Outbox(self._send, lambda: self.room > 0)

    def read(self, frames: int = 1_000_000) -> None:
        """Takes so many frames more."""
        self.room = frames
        self.outbox.flush()

    def _send(self, frame: str | bytes) -> None:
        assert self.room > 0
        self.room -= 1
        self.frames.append(frame)


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 30))
def test_captions_and_speech_keep_their_order_however_slowly_the_client_reads(
    audio: list[bool], room: int
) -> None:
    client = Client(room)
    for number, is_audio in enumerate(audio):
        if is_audio:
            client.outbox.play(b"%d" % number, 0)
        else:
            client.outbox.say(str(number))
    while len(client.frames) < len(audio):
        client.read(1)

    assert [isinstance(frame, bytes) for frame in client.frames] == audio
    assert [int(frame) for frame in client.frames] == list(range(len(audio)))


def test_a_client_that_reads_gets_everything_at_once() -> None:
    client = Client()
    client.outbox.say("one")
    assert client.frames == ["one"]


def test_answers_overtake_what_waits_of_the_stream() -> None:
    client = Client(room=0)
    client.outbox.play(b"speech", 0)
    client.outbox.say("caption")
    client.outbox.answer("pong")
    client.outbox.answer("another pong")
    client.read()

    assert client.frames == ["pong", "another pong", b"speech", "caption"]


def test_a_purge_drops_speech_of_the_segments_before_and_no_caption() -> None:
    client = Client(room=0)
    client.outbox.play(b"speech 0", 0)
    client.outbox.say("caption 0")
    client.outbox.play(b"speech 1", 1)
    client.outbox.play(b"speech 2", 2)
    client.outbox.purge(2)
    client.read()

    assert client.frames == ["caption 0", b"speech 2"]


def test_what_was_purged_takes_no_room() -> None:
    client = Client(room=0)
    client.outbox.play(bytes(PENDING_BYTES), 0)
    assert client.outbox.full
    client.outbox.purge(1)

    assert not client.outbox.full


def test_a_client_that_reads_slowly_makes_the_session_wait_until_it_has_read() -> None:
    client = Client(room=0)
    for _ in range(4):
        assert not client.outbox.full
        client.outbox.play(bytes(PENDING_BYTES // 4), 0)
    assert client.outbox.full
    client.read(1)

    assert not client.outbox.full


def test_a_client_that_asks_and_never_reads_is_noticed_at_the_bound() -> None:
    client = Client(room=0)
    answer = "x" * 1_000
    for _ in range(ANSWER_BYTES // 1_000):
        assert not client.outbox.overrun
        client.outbox.answer(answer)
    assert client.outbox.overrun
    client.read(1)

    assert not client.outbox.overrun


def test_drained_waits_until_all_was_sent_and_no_longer() -> None:
    async def scenario() -> None:
        client = Client(room=0)
        await client.outbox.drained(5)  # nothing waits
        client.outbox.say("one")
        waiting = asyncio.create_task(client.outbox.drained(5))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        client.read()
        async with asyncio.timeout(1):
            await waiting

    asyncio.run(scenario())


def test_drained_waits_for_answers_too() -> None:
    """The reason of a close is an answer: it must have left before the close does."""

    async def scenario() -> None:
        client = Client(room=0)
        client.outbox.answer("the reason")
        waiting = asyncio.create_task(client.outbox.drained(5))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        client.read()
        async with asyncio.timeout(1):
            await waiting

    asyncio.run(scenario())


def test_nobody_waits_longer_for_a_client_that_does_not_read() -> None:
    async def scenario() -> None:
        client = Client(room=0)
        client.outbox.say("one")
        since = time.monotonic()
        await client.outbox.drained(0.05)
        assert 0.04 < time.monotonic() - since < 1
        assert client.frames == []

    asyncio.run(scenario())


def test_drained_is_over_when_what_waited_was_purged() -> None:
    async def scenario() -> None:
        client = Client(room=0)
        client.outbox.play(b"speech", 0)
        client.outbox.purge(1)
        async with asyncio.timeout(1):
            await client.outbox.drained(5)

    asyncio.run(scenario())


def test_speech_that_waits_too_long_for_a_slow_listener_is_left_out_and_captions_are_not() -> None:
    client = Client(room=0)
    client.outbox.play(b"1" * 100, 1, now=0.0)
    client.outbox.say("caption")
    client.outbox.play(b"2" * 50, 2, now=9.0)

    assert client.outbox.skip(10.0) == (0, 0)
    assert client.outbox.skip(10.1) == (2, 150)
    assert client.outbox.skip(99.0) == (0, 0)
    client.read()
    assert client.frames == ["caption"]


def test_what_is_worth_something_at_once_or_never_is_left_out_where_anything_waits() -> None:
    client = Client(room=2)
    client.outbox.show("now")
    client.outbox.say("one")
    client.outbox.show("full")
    client.outbox.say("two")
    client.read(1)
    client.outbox.show("behind")
    client.read()
    assert client.frames == ["now", "one", "two"]
