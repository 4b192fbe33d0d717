"""This system over its WebSocket: a client in a process of its own, as the peers' sessions are fed."""

from __future__ import annotations

import asyncio
import json
import time

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bridge.cli.bench.microphone import alone
from bridge.client import stream_url
from bridge.protocol import wire
from scripts.peers.talk import ANSWER_RATE, Speaker, parser, planned, talk


async def session(url: str, speaker: Speaker) -> None:
    """Speaks and hears on one connection."""
    async with connect(
        stream_url(url),
        subprotocols=[Subprotocol(wire.SUBPROTOCOL)],
        compression=None,
        max_size=None,
        open_timeout=30,
    ) as socket:
        await socket.send(json.dumps(alone("en", "es", rate=ANSWER_RATE)))
        hearing = asyncio.create_task(hear(socket, speaker))
        async for frame in speaker.frames():
            await socket.send(frame)
        hearing.cancel()


async def hear(socket: ClientConnection, speaker: Speaker) -> None:
    """Notes the speech in the binary frames."""
    async for message in socket:
        now = time.monotonic()
        if isinstance(message, bytes):
            speaker.hear(wire.unpack_audio(message).pcm, now)


def main() -> None:
    """Prints JSON lines."""
    options = parser(__doc__ or "")
    options.add_argument("--url", required=True, help="of the gateway")
    given = options.parse_args()
    asyncio.run(talk(planned(given), lambda speaker: session(given.url, speaker)))


if __name__ == "__main__":
    main()
