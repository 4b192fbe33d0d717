"""A second gateway needs the journal of a room and no more: it folds it to the frames the first one sent."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from bridge.media import decode
from tests.stack import REPOSITORY, SIMULATED, Stack

pytestmark = pytest.mark.e2e

CLIP = Path(__file__).parent.parent / "data" / "speech" / "go_forward.wav"
RATE = 16_000
START = {
    "type": "session.start",
    "protocol": 1,
    "source": {"language": "en"},
    "targets": [{"language": "es"}, {"language": "fr"}],
    "output": {"rate": RATE},
}
SEQ = slice(4, 8)
"""Where the header of an audio frame holds its number."""


@contextmanager
def second_gateway(url: str, session: str, rate: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.gateway.second", url, session, str(rate)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def printed(process: subprocess.Popen[str], last: Callable[[Any], bool]) -> list[Any]:
    """The frames of the second gateway up to the one that is `last`."""
    assert process.stdout is not None
    frames: list[Any] = []
    for line in process.stdout:
        frames.append(json.loads(line))
        if last(frames[-1]):
            return frames
    pytest.fail("the second gateway ended")


def plain(data: str | bytes) -> Any:
    """A frame without what belongs to its connection."""
    if isinstance(data, bytes):
        return data.hex()
    message = json.loads(data)
    for name in ("t_ms", "latency_ms"):
        message.pop(name, None)
    return message


def without_latency(frame: Any) -> Any:
    return {k: v for k, v in frame.items() if k != "latency_ms"} if isinstance(frame, dict) else frame


def is_done(segment: int) -> Callable[[Any], bool]:
    def check(frame: Any) -> bool:
        return isinstance(frame, dict) and (frame["type"], frame.get("segment")) == ("segment.done", segment)

    return check


async def hear(socket: ClientConnection, last: Callable[[Any], bool]) -> list[Any]:
    frames: list[Any] = []
    async with asyncio.timeout(30):
        while not frames or not last(frames[-1]):
            frame = plain(await socket.recv())
            if isinstance(frame, str) or frame["type"] != "audio.ack":  # an answer stands in no journal
                frames.append(frame)
    return frames


async def speak(socket: ClientConnection) -> None:
    await socket.send(b"".join(decode(CLIP)))
    await socket.send(json.dumps({"type": "segment.commit"}))


def test_a_second_gateway_serves_from_the_journal_of_the_first_even_when_that_is_killed(
    stack: Callable[..., Stack],
) -> None:
    running = stack(**SIMULATED, SIMULATED_TTS_MS="600").up()
    gateway = running.started[-1]

    async def first() -> tuple[str, list[Any]]:
        url = f"ws://127.0.0.1:{running.port}/v1/stream"
        async with connect(url, subprotocols=["bridge.v1"], max_size=2**24) as socket:  # type: ignore[list-item]
            await socket.send(json.dumps(START))
            session = (await hear(socket, lambda frame: frame["type"] == "session.started"))[0]["session_id"]
            await socket.send(json.dumps({"type": "playback.pause"}))
            await speak(socket)
            heard = await hear(socket, lambda frame: frame["type"] == "translation.final")
            await socket.send(json.dumps({"type": "playback.resume"}))
            await speak(socket)
            heard += await hear(socket, is_done(1))
            await speak(socket)
            heard += await hear(socket, lambda frame: isinstance(frame, dict) and frame.get("segment") == 2
                                and frame["type"] == "translation.final")  # fmt: skip
            os.kill(gateway.pid, signal.SIGKILL)
            return session, heard

    session, heard = asyncio.run(first())
    with second_gateway(running.redis.url, session, RATE) as process:
        frames = printed(process, is_done(2))

    assert [without_latency(frame) for frame in frames[: len(heard)]] == heard
    numbers = [
        frame["seq"] if isinstance(frame, dict) else int.from_bytes(bytes.fromhex(frame)[SEQ], "little")
        for frame in frames
    ]
    assert numbers == list(range(2, len(frames) + 2))
    rest = [frame for frame in frames[len(heard) :] if isinstance(frame, dict)]
    spoken = [(frame["segment"], frame["target"]) for frame in rest if frame["type"] == "audio.end"]
    assert sorted(spoken) == [(2, "es"), (2, "fr")]
