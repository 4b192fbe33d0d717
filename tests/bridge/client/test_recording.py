"""A long recording outlives its connections: it goes on where it stopped, with the times of the file."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.client import Result, Segment, Wish, translate_recording
from bridge.client.feed import KEPT_BYTES, Feed
from bridge.client.shelf import Shelf
from bridge.errors import AudioError, GatewayError
from bridge.types import Audio, Block

Gateway = Callable[..., str]
NONE: tuple[float, ...] = (0.0,) * 3


def numbered(seconds: int) -> bytes:
    """Audio in which each second has a level of its own, from 1."""
    return b"".join(level.to_bytes(2, "little") * 16_000 for level in range(1, seconds + 1))


def run(url: str, blocks: Any, **options: Any) -> Result:
    wish = Wish(url, "en", ["es", "ca"])
    return asyncio.run(translate_recording(wish, blocks, **{"pauses": NONE} | options))


class Sessions:
    """Scripts for the sessions of one recording, in the order in which they are opened."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def follow(self, *scripts: Callable[[Any], None]) -> Callable[[Any], None]:
        turns = iter(scripts)
        return lambda peer: next(turns)(peer)

    def breaks_after(self, *spoken: tuple[int, int]) -> Callable[[Any], None]:
        """Hears all, finishes segments from and to these ms, and is gone in the middle of another."""

        def script(peer: Any) -> None:
            peer.open()
            self.heard.append(peer.hear())
            for number, (start, end) in enumerate(spoken):
                peer.transcribe(number, f"words of {start}", start, end)
                peer.speak(number, 0, "es", "palabras", 100, 1)
                peer.done(number)
            peer.transcribe(len(spoken), "half done", 60_000, 61_000)
            peer.connection.close(1011)

        return script

    def ends_after(self, *spoken: tuple[int, int]) -> Callable[[Any], None]:
        """Hears all, finishes these segments, and ends as it should."""

        def script(peer: Any) -> None:
            peer.open()
            self.heard.append(peer.hear())
            for number, (start, end) in enumerate(spoken):
                peer.transcribe(number, f"words of {start}", start, end)
                peer.done(number)
            peer.end()

        return script


def refuse(peer: Any) -> None:
    peer.say(
        "error", code="draining", message="The gateway stops.", fatal=True, retryable=True, close_code=1001
    )
    peer.connection.close(1001)


def places(result: Result) -> list[tuple[int, str, float, float]]:
    return [(at, s.text, s.start_ms, s.end_ms) for at, s in result.segments.items()]


def test_lost_connection_goes_on_from_the_end_of_what_is_finished(gateway: Gateway) -> None:
    sessions = Sessions()
    script = sessions.follow(
        sessions.breaks_after((200, 1_000), (1_500, 2_000)), sessions.ends_after((500, 900))
    )
    audio = numbered(5)
    finished: list[Segment] = []
    lost: list[tuple[str, float]] = []
    result = run(
        gateway(script),
        [audio],
        on_segment=finished.append,
        on_lost=lambda error, ms: lost.append((error.code, ms)),
    )
    assert sessions.heard == [audio, audio[64_000:]]
    assert places(result) == [
        (0, "words of 200", 200, 1_000),
        (1, "words of 1500", 1_500, 2_000),
        (2, "words of 500", 2_500, 2_900),
    ]
    assert [segment.seq for segment in finished] == [0, 1, 2]
    assert result.segments[1].translations["es"].text == "palabras"
    assert lost == [("connection_lost", 2_000)]
    assert result.failure is None


def test_recording_goes_on_as_often_as_something_new_is_finished(gateway: Gateway) -> None:
    sessions = Sessions()
    script = sessions.follow(*[sessions.breaks_after((100, 1_000))] * 6, sessions.ends_after())
    result = run(gateway(script), [numbered(8)])
    assert [segment.end_ms for segment in result.segments.values()] == [1_000 * n for n in range(1, 7)]
    assert result.failure is None


def test_gateway_that_is_away_for_a_moment_is_tried_again(gateway: Gateway) -> None:
    sessions = Sessions()
    script = sessions.follow(sessions.breaks_after((0, 1_000)), refuse, refuse, sessions.ends_after((0, 500)))
    result = run(gateway(script), [numbered(3)])
    assert [segment.end_ms for segment in result.segments.values()] == [1_000, 1_500]


def test_what_is_finished_is_kept_where_the_gateway_does_not_come_back(gateway: Gateway) -> None:
    sessions = Sessions()
    script = sessions.follow(sessions.breaks_after((0, 1_000)), *[refuse] * 3)
    result = run(gateway(script), [numbered(3)])
    assert places(result) == [(0, "words of 0", 0, 1_000)]
    assert isinstance(result.failure, GatewayError)
    assert result.failure.code == "draining"


def test_gateway_that_was_never_there_is_told_at_once() -> None:
    with pytest.raises(GatewayError, match="No gateway answers"):
        run("ws://127.0.0.1:1", [numbered(1)])


def test_segment_that_failed_without_a_place_is_tried_again(gateway: Gateway) -> None:
    sessions = Sessions()

    def fails(peer: Any) -> None:
        peer.open()
        sessions.heard.append(peer.hear())
        peer.transcribe(0, "first", 0, 1_000)
        peer.done(0)
        peer.say("segment.failed", segment=1, stage="stt", code="timed_out", message="Late.", retryable=True)
        peer.done(1)
        peer.connection.close(1011)

    script = sessions.follow(fails, sessions.ends_after((0, 500)))
    result = run(gateway(script), [numbered(3)])
    assert [(s.text, s.failures) for s in result.segments.values()] == [("first", []), ("words of 0", [])]


def test_segment_that_overtook_an_unfinished_one_is_not_told_twice(gateway: Gateway) -> None:
    sessions = Sessions()

    def overtakes(peer: Any) -> None:
        peer.open()
        sessions.heard.append(peer.hear())
        peer.transcribe(0, "slow", 0, 1_000)
        peer.transcribe(1, "fast", 1_200, 2_000)
        peer.done(1)
        peer.connection.close(1011)

    script = sessions.follow(overtakes, sessions.ends_after((0, 1_000), (1_200, 2_000)))
    result = run(gateway(script), [numbered(3)])
    assert [segment.text for segment in result.segments.values()] == ["words of 0", "words of 1200"]


def test_times_are_those_of_the_blocks_also_in_the_second_session(gateway: Gateway) -> None:
    sessions = Sessions()
    script = sessions.follow(sessions.breaks_after((500, 1_500)), sessions.ends_after((100, 600)))
    second = bytes(32_000)
    blocks = [Block(second, 5_000.0), Block(second, 6_000.0), Block(second, 60_000.0)]
    result = run(gateway(script), blocks)
    assert places(result) == [(0, "words of 500", 5_500, 6_500), (1, "words of 100", 6_600, 60_100)]


def test_recording_without_a_sample_fails_with_its_own_reason(gateway: Gateway) -> None:
    sessions = Sessions()
    script = sessions.follow(sessions.ends_after())

    def broken() -> Iterator[bytes]:
        raise AudioError("torn", "glue it")
        yield b""

    result = run(gateway(script), broken())
    assert isinstance(result.failure, AudioError)
    assert result.segments == {}


def test_finished_speech_lies_on_disk_and_is_the_same(gateway: Gateway) -> None:
    sessions = Sessions()
    result = run(
        gateway(sessions.follow(sessions.breaks_after((0, 1_000)), refuse, refuse, refuse)), [bytes(64_000)]
    )
    spoken = result.segments[0].translations["es"]
    assert (len(spoken.pcm), spoken.audio_ms) == (0, 100)
    assert (spoken.audio.rate, spoken.audio.samples, spoken.audio.pcm) == (8_000, 800, b"\1\0" * 800)


def test_finished_speech_stays_in_memory_where_there_is_no_disk(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    sessions = Sessions()
    result = run(
        gateway(sessions.follow(sessions.breaks_after((0, 1_000)), refuse, refuse, refuse)), [bytes(64_000)]
    )
    assert result.segments[0].translations["es"].audio == Audio(b"\1\0" * 800, 8_000)


def test_pieces_on_a_shelf_are_read_from_their_places() -> None:
    shelf = Shelf()
    pieces = [bytes([number]) * number for number in range(0, 200, 2)]
    laid = [shelf.put(piece, 16_000) for piece in pieces]
    assert [piece.pcm for piece in reversed(laid)] == pieces[::-1]
    assert [piece.samples for piece in laid] == list(range(100))


def test_source_is_waited_for_by_the_next_session_when_one_is_lost() -> None:
    """A reader that is cancelled while a block is made does not lose it."""
    ready = threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"\1\0" * 320
        ready.wait(5)
        yield b"\2\0" * 320

    async def read() -> bytes:
        async with Feed(slow()) as feed:
            first = await feed.read(0, 640, 640)
            waiting = asyncio.create_task(feed.read(640, 640, 640))
            await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            ready.set()
            return first + await feed.read(640, 640, 640) + await feed.read(1_280, 640, 640)

    assert asyncio.run(read()) == b"\1\0" * 320 + b"\2\0" * 320


def test_audio_is_kept_until_it_is_forgotten_and_never_without_bound() -> None:
    async def read() -> tuple[bytes, int, int]:
        second = bytes(32_000)
        async with Feed(second for _ in range(KEPT_BYTES // 32_000 + 10)) as feed:
            at = 0
            while frame := await feed.read(at, 640, 320_000):
                at += len(frame)
            kept = feed.first
            feed.forget(at - 64_000)
            return await feed.read(feed.first, 640, 10**6), kept, at

    rest, first, end = asyncio.run(read())
    assert first == end - KEPT_BYTES == 320_000
    assert rest == bytes(64_000)


def test_decoder_is_closed_in_its_own_thread_when_the_recording_is_left() -> None:
    closed: list[str] = []
    done = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield bytes(640)
        finally:
            closed.append(threading.current_thread().name)
            done.set()

    async def leave() -> None:
        async with Feed(endless()) as feed:
            await feed.read(0, 640, 640)

    asyncio.run(leave())
    assert done.wait(5)
    assert closed == ["recording"]
