"""Servers by script whose connections are lost, and who speaks to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bridge.client import Result, translate
from bridge.errors import GatewayError

Gateway = Callable[..., str]
Script = Callable[[Any], None]


class Server:
    """Scripts for the connections of one session, in their order; `starts` is what each was opened with."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = scripts
        self.starts: list[dict[str, Any]] = []

    def __call__(self, peer: Any) -> None:
        self.starts.append(peer.start)
        self.scripts[len(self.starts) - 1](peer)


def opens(peer: Any, window: float = 60, **fields: Any) -> None:
    peer.open(**{"resume_token": "first", "resume_window_s": window, "samples": 0} | fields)


def goes_on(peer: Any, token: str = "second", samples: int = 0, seq: int = 0) -> None:
    """Takes the session up; what is said next has the number behind `seq`."""
    opens(peer, resume_token=token, resumed=True, samples=samples)
    peer.seq = seq


def numbered(samples: int) -> bytes:
    return b"".join((place % 2**16).to_bytes(2, "little") for place in range(samples))


def hear(peer: Any, samples: int) -> bytes:
    """So much audio, whatever else is said between."""
    heard = bytearray()
    while len(heard) < 2 * samples:
        frame = peer.connection.recv()
        heard += frame if isinstance(frame, bytes) else b""
    return bytes(heard)


def refuses(code: str, close: int, **fields: Any) -> Script:
    def script(peer: Any) -> None:
        peer.say("error", code=code, message=f"It is {code}.", fatal=True, close_code=close, **fields)
        peer.connection.close(close)

    return script


def leaves(peer: Any) -> None:
    """Opens a session that is dropped at once."""
    opens(peer)
    peer.vanish()


def ends(peer: Any) -> None:
    """Goes on to the end."""
    goes_on(peer, seq=1)
    peer.hear()
    peer.end()


def run(url: str, audio: bytes = bytes(640), **options: Any) -> Result:
    return asyncio.run(translate(url, [audio], "en", ["es", "ca"], **options))


def failure(url: str, **options: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        run(url, **options)
    return caught.value
