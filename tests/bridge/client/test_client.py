"""The client of the native protocol, against a peer that keeps to a script."""

from __future__ import annotations

import asyncio
import itertools
import socket
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

from bridge.client import Client, Collector, Result, stream_url, translate
from bridge.errors import AudioError, GatewayError, ProtocolError
from bridge.protocol import client_messages, parts, server_messages, wire

Gateway = Callable[..., str]
SECOND = bytes(32_000)


def told(peer: Any) -> None:
    """What the peer does for most tests: two segments for whatever it hears."""
    peer.open()
    peer.hear()
    peer.two_segments()
    peer.end()


def run(url: str, blocks: Any = (SECOND,), **options: Any) -> Result:
    return asyncio.run(translate(url, blocks, "en", ["es", "ca"], **options))


def failure(url: str, blocks: Any = (SECOND,), **options: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        run(url, blocks, **options)
    return caught.value


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("ws://host:8000", "ws://host:8000/v1/stream"),
        ("http://127.0.0.1:80/", "ws://127.0.0.1:80/v1/stream"),
        ("https://host", "wss://host/v1/stream"),
        ("https://example.org/talk/", "wss://example.org/talk/v1/stream"),
        ("https://example.org/talk?x=1", "wss://example.org/talk/v1/stream?x=1"),
        ("http://host/v1/stream/", "ws://host/v1/stream"),
        ("wss://host/below/v1/stream?x=1", "wss://host/below/v1/stream?x=1"),
    ],
)
def test_any_usual_address_leads_to_the_stream(given: str, expected: str) -> None:
    assert stream_url(given) == expected


@pytest.mark.parametrize("url", ["host:8000", "ftp://host", "ws://", ""])
def test_what_is_no_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(GatewayError, match="ws://127"):
        stream_url(url)


def test_session_start_says_what_was_asked(gateway: Gateway) -> None:
    starts = []

    def note(peer: Any) -> None:
        starts.append(peer.start)
        told(peer)

    run(gateway(note), rate=8000, vad={"padding_ms": 100})
    assert starts == [
        {
            "type": "session.start",
            "protocol": 1,
            "source": {"language": "en"},
            "targets": [{"language": "es"}, {"language": "ca"}],
            "output": {"rate": 8000, "pacing": "burst"},
            "vad": {"padding_ms": 100},
        }
    ]


def test_a_start_the_server_would_refuse_is_not_even_sent() -> None:
    with pytest.raises(ProtocolError, match=r"targets\[1\]\.language") as caught:
        Client("ws://127.0.0.1:1", "en", ["es", "klingon"])
    assert caught.value.code == "bad_field"


def test_iteration_gives_messages_and_audio_in_order_and_ends_with_the_session(gateway: Gateway) -> None:
    def newer(peer: Any) -> None:
        peer.open()
        peer.hear()
        peer.say("weather.changed", wind=5)
        peer.transcribe(0, "good morning", 200, 1000)
        peer.speak(0, 1, "es", "buenos días", 100, 7)
        peer.end()

    async def listen(url: str) -> list[Any]:
        async with Client(url, "en", ["es"]) as session:
            assert session.started.session_id == "5f2c"
            await session.end()
            return [message async for message in session]

    heard = asyncio.run(listen(gateway(newer)))
    frames = [message for message in heard if isinstance(message, wire.AudioFrame)]
    assert [message.type for message in heard if not isinstance(message, wire.AudioFrame)] == [
        "speech.started",
        "speech.stopped",
        "transcript.final",
        "translation.final",
        "audio.start",
        "audio.end",
        "session.ended",
    ]
    assert [(frame.offset, len(frame.pcm), frame.last) for frame in frames] == [
        (0, 800, False),
        (400, 800, False),
        (800, 0, True),
    ]
    assert [message.seq for message in heard] == sorted(message.seq for message in heard)


def test_everything_of_both_segments_is_gathered(gateway: Gateway) -> None:
    heard = []

    def listen(peer: Any) -> None:
        peer.open()
        heard.append(peer.hear())
        peer.two_segments()
        peer.end()

    sent = bytes(range(256)) * 50
    result = run(gateway(listen), [sent[:1000], b"", sent[1000:9001], sent[9001:]])
    assert heard == [sent]
    assert result.targets == ["es", "ca"]
    assert result.started.providers == {"stt": "ear", "translation": "brain", "tts": "mouth"}
    first, second = result.segments[0], result.segments[1]
    assert (first.text, first.language, first.start_ms, first.end_ms) == ("good morning", "en", 200, 1000)
    assert {target: spoken.text for target, spoken in second.translations.items()} == {
        "es": "adelante",
        "ca": "endavant",
    }
    assert first.translations["es"].pcm == b"\1\0" * 16_000
    assert second.translations["ca"].pcm == b"\4\0" * 2_000
    assert second.translations["es"].audio_ms == 500
    assert first.timings_ms == {"endpoint": 500.5, "stt": 80, "total": 640}
    assert (result.misplaced, result.notices, first.failures) == (0, [], [])


def test_warnings_harmless_errors_and_failed_segments_are_kept(gateway: Gateway) -> None:
    def complain(peer: Any) -> None:
        peer.open()
        peer.say("warning", code="not_available", message="No rooms.", hint="Go on.")
        peer.hear()
        peer.transcribe(0, "good morning", 200, 1000)
        peer.say("segment.failed", segment=0, target="es", stage="tts", code="timed_out", message="Late.")
        peer.done(0)
        peer.say("error", code="odd_audio", message="Odd.", hint="Even.", fatal=False)
        peer.end()

    result = run(gateway(complain))
    assert [notice.code for notice in result.notices] == ["not_available", "odd_audio"]
    assert [(failed.target, failed.stage) for failed in result.segments[0].failures] == [("es", "tts")]


def test_fatal_error_is_raised_with_the_words_of_the_server(gateway: Gateway) -> None:
    def stop(peer: Any) -> None:
        peer.open()
        peer.say(
            "error",
            code="draining",
            message="The gateway stops.",
            hint="Come back.",
            fatal=True,
            retryable=True,
            close_code=1001,
        )
        peer.connection.close(1001)

    error = failure(gateway(stop), itertools.repeat(SECOND))
    assert (error.code, error.message, error.hint) == ("draining", "The gateway stops.", "Come back.")
    assert (error.close_code, error.retryable) == (1001, True)


def test_any_error_instead_of_session_started_is_raised(gateway: Gateway) -> None:
    def refuse(peer: Any) -> None:
        peer.say("error", code="unsupported_language", message="No Catalan.", hint="Offered: en → es.")
        peer.connection.recv()

    error = failure(gateway(refuse))
    assert (error.code, error.hint) == ("unsupported_language", "Offered: en → es.")


def test_connection_that_breaks_off_is_an_error_with_its_close_code(gateway: Gateway) -> None:
    def vanish(peer: Any) -> None:
        peer.open()
        peer.hear()
        peer.two_segments()
        peer.connection.close(1011)

    error = failure(gateway(vanish))
    assert (error.code, error.close_code, error.retryable) == ("connection_lost", 1011, True)
    assert "1011" in error.message


def test_session_that_ends_before_all_was_sent_is_an_error(gateway: Gateway) -> None:
    def leave(peer: Any) -> None:
        peer.open()
        peer.end()
        peer.connection.close()

    assert failure(gateway(leave), itertools.repeat(SECOND)).code == "cut_short"


def test_nobody_listening_is_an_error_that_says_how_to_start_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = failure(f"ws://127.0.0.1:{taken.getsockname()[1]}")
    assert error.code == "no_gateway"
    assert "speechbridge up" in error.hint


def test_server_of_another_protocol_is_no_gateway(gateway: Gateway) -> None:
    error = failure(gateway(told, subprotocol=None))
    assert error.code == "no_gateway"
    assert "bridge.v1" in error.message


def test_error_of_the_source_reaches_the_caller_and_ends_the_session(gateway: Gateway) -> None:
    def broken() -> Iterator[bytes]:
        yield SECOND
        raise AudioError("torn", "glue it")

    with pytest.raises(AudioError, match="torn"):
        run(gateway(told), broken())


def test_gateway_that_came_to_a_halt_is_given_up(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(peer: Any) -> None:
        peer.open()
        peer.hear()
        peer.connection.recv()

    monkeypatch.setattr(import_module("bridge.client.translate"), "STALL_SECONDS", 0.3)
    assert failure(gateway(sleep)).code == "stalled"


def test_messages_are_read_while_the_server_takes_no_audio(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each side sends more than the sockets hold before the server reads: whoever only sends is stuck."""
    monkeypatch.setattr(import_module("bridge.client.translate"), "STALL_SECONDS", 10)

    def flood(peer: Any) -> None:
        peer.open()
        peer.transcribe(0, "much", 0, 1000)
        peer.say("audio.start", segment=0, target="es", index=0, rate=8000)
        for at in range(100):
            peer.play(0, 0, at * 80_000, 80_000, 5)
        peer.hear()
        peer.done(0)
        peer.end()

    result = run(gateway(flood), [bytes(12_000_000)])
    assert len(result.segments[0].translations["es"].pcm) == 16_000_000
    assert result.misplaced == 0


@pytest.mark.serial
def test_realtime_frames_leave_when_they_would_have_been_spoken(gateway: Gateway) -> None:
    arrivals: list[float] = []

    def clock(peer: Any) -> None:
        peer.open()
        while isinstance(frame := peer.connection.recv(), bytes):
            arrivals.append(time.monotonic())
            assert len(frame) == 640
        peer.end()

    async def blocks() -> AsyncIterator[bytes]:
        yield bytes(51_200)

    result = run(gateway(clock), blocks(), realtime=True)
    late = [at - result.began - (number + 1) * 0.02 for number, at in enumerate(arrivals)]
    assert len(late) == 80
    assert min(late) > -0.001, "a frame left before it was spoken"
    # A pause of 20 ms after each frame would be 100 ms late by then.
    assert min(late[-10:]) < 0.02, "the delays add up"
    assert statistics.median(late) < 0.05


def started() -> server_messages.SessionStarted:
    return server_messages.SessionStarted(
        session_id="a",
        limits=parts.Limits(max_message_bytes=1024, max_segments=8, idle_s=300),
        config=parts.Effective(
            source=client_messages.Source(language="en"),
            targets=(client_messages.TargetChoice(language="es"),),
            output=client_messages.Output(rate=8000),
            vad=client_messages.Vad(),
        ),
        providers={},
    )


def caption() -> server_messages.TranscriptFinal:
    return server_messages.TranscriptFinal(segment=0, text="hi", language="en", start_ms=100, end_ms=700)


def test_first_audio_is_counted_from_the_end_of_speech_to_the_first_samples() -> None:
    collector = Collector(started())
    collector.result.began = 50.0
    collector.take(server_messages.AudioStart(segment=0, target="es", index=0, rate=8000), 51.0)
    collector.take(wire.AudioFrame(1, 0, 0, 0, b"", False), 51.1)
    collector.take(wire.AudioFrame(2, 0, 0, 0, b"\1\0", False), 51.3)
    collector.take(wire.AudioFrame(3, 0, 0, 1, b"\1\0", True), 51.9)
    collector.take(caption(), 52.0)
    segment = collector.result.segments[0]
    assert collector.result.first_audio_ms(segment, "es") == pytest.approx(600)
    assert collector.result.first_audio_ms(segment, "ca") is None


def test_audio_that_does_not_follow_the_piece_before_is_counted() -> None:
    collector = Collector(started())
    collector.take(wire.AudioFrame(1, 0, 0, 0, b"\1\0"), 1.0)
    collector.take(server_messages.AudioStart(segment=0, target="es", index=0, rate=8000), 1.0)
    collector.take(wire.AudioFrame(2, 0, 0, 0, b"\1\0\2\0"), 1.0)
    collector.take(wire.AudioFrame(3, 0, 0, 1, b"\3\0"), 1.0)
    collector.take(wire.AudioFrame(4, 0, 0, 3, b"\4\0"), 1.0)
    assert collector.result.segments[0].translations["es"].pcm == b"\1\0\3\0\0\0\4\0"
    assert collector.result.misplaced == 3
