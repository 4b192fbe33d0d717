"""A client that may say anything to a running system."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bridge.media import decode
from tests.stack import Stack

SPEECH = Path(__file__).parent.parent / "data" / "speech"
START = {
    "type": "session.start",
    "protocol": 1,
    "source": {"language": "en"},
    "targets": [{"language": "es"}],
}


class Peer:
    """A client that may say anything."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, message: dict[str, Any] | str | bytes) -> None:
        await self.socket.send(json.dumps(message) if isinstance(message, dict) else message)

    async def hears(self, kind: str, within: float = 10) -> dict[str, Any]:
        """The next message of that type."""
        async with asyncio.timeout(within):
            while True:
                data = await self.socket.recv()
                if isinstance(data, str) and (message := json.loads(data))["type"] == kind:
                    assert isinstance(message, dict)
                    return message

    async def closed(self) -> int:
        """The close code, once the server has closed."""
        async with asyncio.timeout(10):
            with pytest.raises(ConnectionClosed) as caught:
                while True:
                    await self.socket.recv()
        assert caught.value.rcvd is not None
        return caught.value.rcvd.code


def talk(stack: Stack, conversation: Callable[[Peer], Any], **options: Any) -> Any:
    async def run() -> Any:
        url = f"ws://127.0.0.1:{stack.port}/v1/stream"
        async with connect(url, subprotocols=["bridge.v1"], max_size=2**24, **options) as socket:  # type: ignore[list-item]
            return await conversation(Peer(socket))

    return asyncio.run(run())


def speech(name: str = "go_forward.wav") -> bytes:
    return b"".join(decode(SPEECH / name))


async def works(peer: Peer) -> None:
    """The session still does its job."""
    await peer.say(speech())
    await peer.say({"type": "session.end"})
    assert (await peer.hears("translation.final"))["text"]
    await peer.hears("session.ended")
    assert await peer.closed() == 1000
