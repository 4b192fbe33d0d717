"""One who speaks against what is spoken to them, from a process of its own: the benchmark pays for nothing.

    python -m bridge.cli.bench.interrupter URL --times 20 --controls 50

Says an utterance, and the next one as soon as the translation of the one before is heard, `times` of them;
then pauses and resumes by hand. Prints JSON lines: `session` (its id), `sound` for each frame of speech and
`obeyed` for each acknowledgement (`command`, `reason`, `wished`: when it was asked for). `at` is time.time(),
the clock of this host, which is that of a Redis beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import Any

from bridge.cli.bench.load import TARGET
from bridge.cli.bench.microphone import FRAME_BYTES, FRAME_SECONDS
from bridge.cli.probe import CLIP, CLIP_LANGUAGE
from bridge.client import Client
from bridge.media import decode
from bridge.protocol import client_messages, server_messages, wire

CONTROL_SECONDS = 0.05
PATIENCE_SECONDS = 15.0
_OBEYED = (
    server_messages.PlaybackPaused,
    server_messages.PlaybackResumed,
    server_messages.PlaybackStopped,
)


def say(kind: str, **values: Any) -> None:
    """Prints one line."""
    sys.stdout.write(json.dumps({"kind": kind, "at": time.time(), **values}, separators=(",", ":")) + "\n")
    sys.stdout.flush()


class Interrupter:
    """One session, its microphone always open."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._speech = b"".join(decode(CLIP))
        self._left = b""
        self._heard = asyncio.Event()
        self._obeyed = asyncio.Event()
        self._wished: float | None = None

    async def run(self, times: int, controls: int) -> None:
        """Interrupts so often, and wishes so often."""
        tasks = [asyncio.create_task(work) for work in (self._speak(), self._listen())]
        for _ in range(times + 1):
            self._heard.clear()
            self._left = self._speech
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._heard.wait()
        await asyncio.sleep(len(self._speech) / FRAME_BYTES * FRAME_SECONDS)  # the last one is quiet again
        for _ in range(controls):
            await self._wish(client_messages.PlaybackPause())
            await self._wish(client_messages.PlaybackResume())
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _wish(self, message: client_messages.ClientMessage) -> None:
        self._obeyed.clear()
        self._wished = time.time()
        await self._client.send(message)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._obeyed.wait()
        await asyncio.sleep(CONTROL_SECONDS)

    async def _speak(self) -> None:
        due = time.monotonic()
        while True:
            frame, self._left = self._left[:FRAME_BYTES], self._left[FRAME_BYTES:]
            await self._client.send_audio(frame.ljust(FRAME_BYTES, b"\0"))
            due += FRAME_SECONDS
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _listen(self) -> None:
        async for message in self._client:
            if isinstance(message, wire.AudioFrame):
                say("sound", segment=message.segment)
            elif isinstance(message, _OBEYED):
                wished, self._wished = (None, self._wished) if message.reason else (self._wished, None)
                say("obeyed", command=message.type, reason=message.reason, wished=wished)
                self._obeyed.set()
            elif isinstance(message, server_messages.AudioStart):
                self._heard.set()


async def interrupt(url: str, times: int, controls: int) -> None:
    """Opens the session and runs it."""
    async with Client(url, CLIP_LANGUAGE, [TARGET], pacing="realtime", resume=False) as client:
        await client.send(client_messages.SessionUpdate(barge_in="stop"))
        say("session", session=client.started.session_id)
        await Interrupter(client).run(times, controls)


def main() -> None:
    """Reads the command line and runs the session."""
    parser = argparse.ArgumentParser(prog="python -m bridge.cli.bench.interrupter")
    parser.add_argument("url")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--controls", type=int, default=50)
    given = parser.parse_args()
    asyncio.run(interrupt(given.url, given.times, given.controls))


if __name__ == "__main__":
    main()
