"""Variables of the gateway, each set to a second value, seen from the other end of the wire."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bridge.client import Client
from bridge.media import decode
from bridge.protocol import server_messages
from tests.stack import Stack, gateway_of

pytestmark = pytest.mark.e2e

CLIP = Path(__file__).parent.parent / "data" / "speech" / "go_forward.wav"
CHANGED = {
    "SAMPLE_RATE": "16000",
    "SESSION_MAX_SEGMENTS": "3",
    "SESSION_IDLE_SECONDS": "77",
    "VAD_AGGRESSIVENESS": "3",
    "VAD_MIN_SPEECH_MS": "96",
    "VAD_MIN_SILENCE_MS": "640",
    "VAD_PADDING_MS": "128",
    "VAD_MAX_SEGMENT_MS": "4000",
    "WS_COMPRESSION": "false",
    "WS_MAX_MESSAGE_SIZE": "4096",
    "WS_ORIGINS": "https://talk.example, https://other.example",
    "WS_PING_INTERVAL": "0.2",
    "WS_PING_TIMEOUT": "0.4",
}


@pytest.fixture(scope="module")
def changed(simulated: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with gateway_of(simulated, tmp_path_factory.mktemp("changed"), **CHANGED) as stack:
        yield stack


def started(stack: Stack) -> server_messages.SessionStarted:
    async def scenario() -> server_messages.SessionStarted:
        async with Client(stack.url, "en", ["es"]) as client:
            return client.started

    return asyncio.run(scenario())


def test_limits_and_cutting_are_what_the_variables_say(changed: Stack) -> None:
    told = started(changed)

    assert told.config.vad.model_dump(exclude_none=True) == {
        "threshold": 0.8,
        "min_speech_ms": 96,
        "min_silence_ms": 640,
        "padding_ms": 128,
        "max_segment_ms": 4000,
    }
    assert told.config.output.rate == 16_000
    assert told.limits.max_segments == 3
    assert told.limits.max_message_bytes == 4_096
    assert told.limits.idle_s == 77


def test_speech_comes_at_the_sample_rate(changed: Stack) -> None:
    async def scenario() -> int:
        async with Client(changed.url, "en", ["es"]) as client, asyncio.timeout(20):
            pcm = b"".join(decode(CLIP))
            for at in range(0, len(pcm), 4_096):
                await client.send_audio(pcm[at : at + 4_096])
            await client.end()
            return next(
                [m.rate async for m in client if isinstance(m, server_messages.AudioStart)].__iter__()
            )

    assert asyncio.run(scenario()) == 16_000


def test_a_larger_message_is_too_large(changed: Stack) -> None:
    async def scenario() -> int:
        async with connect(f"ws://127.0.0.1:{changed.port}/v1/stream") as socket, asyncio.timeout(10):
            await socket.send(bytes(4_098))
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await socket.recv()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    assert asyncio.run(scenario()) == 1009


def test_compression_is_not_agreed_on_when_it_is_off(changed: Stack, simulated: Stack) -> None:
    async def extensions(stack: Stack) -> Any:
        async with connect(f"ws://127.0.0.1:{stack.port}/v1/stream") as socket:
            assert socket.response is not None
            return socket.response.headers.get("Sec-WebSocket-Extensions")

    assert asyncio.run(extensions(changed)) is None
    assert "permessage-deflate" in asyncio.run(extensions(simulated))


def test_named_origins_are_welcome_and_others_are_not(changed: Stack) -> None:
    async def close_code(origin: str) -> int | None:
        url = f"ws://127.0.0.1:{changed.port}/v1/stream"
        async with connect(url, origin=origin) as socket:  # type: ignore[arg-type]  # a NewType of str
            try:
                async with asyncio.timeout(0.5):
                    while True:
                        await socket.recv()
            except TimeoutError:
                return None
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else None

    assert asyncio.run(close_code("https://other.example")) is None
    assert asyncio.run(close_code("https://third.example")) == 4403


def test_clients_are_pinged_and_a_silent_one_is_dropped(changed: Stack) -> None:
    """A socket that never answers: no library in between that would."""

    async def scenario() -> tuple[int, float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", changed.port)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{changed.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        since = time.monotonic()
        async with asyncio.timeout(5):
            received = await reader.read()  # until the server ends it
        writer.close()
        return received[0], time.monotonic() - since

    first_byte, seconds = asyncio.run(scenario())
    assert first_byte == 0x89  # a ping frame, whole
    assert 0.5 <= seconds < 3
