"""The gateway that is attacked, and who speaks through it meanwhile."""

from __future__ import annotations

from typing import Any

import psutil

from bridge.client import Client, translate
from bridge.media import decode
from tests.stack import REPOSITORY, Stack

CLIP = b"".join(decode(REPOSITORY / "tests" / "data" / "speech" / "go_forward.wav"))
VAD = {"min_silence_ms": 160, "min_speech_ms": 64}
START = {
    "type": "session.start",
    "protocol": 1,
    "source": {"language": "en"},
    "targets": [{"language": "es"}],
}
GROWTH = 20_000_000
"""Bytes by which the gateway may grow under attack."""


class Gateway:
    """The one that is attacked."""

    def __init__(self, stack: Stack, port: int, pid: int) -> None:
        self.stack = stack
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process = psutil.Process(pid)

    @property
    def bytes(self) -> int:
        return int(self.process.memory_info().rss)

    @property
    def descriptors(self) -> int:
        return int(self.process.num_fds())


async def speaks(gateway: Gateway, sentences: int = 2) -> float:
    """A paced speaker; the longest time to first audio, in milliseconds."""
    audio = (CLIP[: 16_000 * 2] + bytes(16_000)) * sentences
    result = await translate(gateway.url, [audio], "en", ["es"], realtime=True, vad=VAD)
    assert result.segments and not result.misplaced
    assert not any(segment.failures for segment in result.segments.values())
    latencies = [result.first_audio_ms(segment, "es") for segment in result.segments.values()]
    return max(latency for latency in latencies if latency is not None)


async def next_of(client: Client, kind: type) -> Any:
    async for message in client:
        if isinstance(message, kind):
            return message
    raise AssertionError("it ended")
