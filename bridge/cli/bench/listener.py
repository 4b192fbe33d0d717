"""One listener of a room on the wire: it notes when it hears how much, so that hundreds cost little."""

from __future__ import annotations

import asyncio
import json
import struct
import time
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from websockets.frames import Frame, Opcode

from bridge.cli.bench.microphone import NO_CODE
from bridge.client import stream_url
from bridge.protocol import wire
from bridge.types import SAMPLE_BYTES

COMPRESSED = 0x40
LAST = 1


@dataclass(slots=True)
class Heard:
    """The speech of one segment: when its first sample arrived, in seconds of time.monotonic(), and how many;
    `again` and `skipped` are those that came twice or not at all, `ends` how often it was said to be over."""

    first_at: float = 0.0
    samples: int = 0
    again: int = 0
    skipped: int = 0
    ends: int = 0

    def take(self, offset: int, samples: int, last: bool, now: float) -> None:
        """Notes `samples` that arrived, `offset` samples into the segment."""
        if samples and not self.samples:
            self.first_at = now
        self.again += max(0, min(self.samples, offset + samples) - offset)
        self.skipped += max(0, offset - self.samples)
        self.samples = max(self.samples, offset + samples)
        self.ends += last

    @property
    def whole(self) -> bool:
        return self.ends > 0 and self.samples > 0 and not self.skipped

    @property
    def doubled(self) -> bool:
        return self.again > 0 or self.ends > 1


class Listener(asyncio.Protocol):
    """Listens in `language`. `ready` gets whether the session has started, `closed` the close code.

    It offers compression of text, as browsers do, and reads no text but what comes before the start.
    """

    def __init__(self, url: str, start: dict[str, Any], language: str) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[bool] = loop.create_future()
        self.closed: asyncio.Future[int] = loop.create_future()
        self.language = language
        self.heard: dict[int, Heard] = {}
        self.refusal = ""
        self._url = urlsplit(stream_url(url))
        self._start = json.dumps(start).encode()
        self._buffer = bytearray()
        self._open = False
        self._code = NO_CODE
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        head = [
            f"GET {self._url.path} HTTP/1.1",
            f"Host: {self._url.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            f"Sec-WebSocket-Protocol: {wire.SUBPROTOCOL}",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        ]
        transport.write("\r\n".join([*head, "", ""]).encode())

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._buffer += data
        if not self._open:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._buffer.startswith(b"HTTP/1.1 101"):
                self.refusal = self._buffer[:end].split(b"\r\n")[0].decode("latin-1")
                self._transport.abort()
                return
            del self._buffer[: end + 4]
            self._open = True
            self._send(Opcode.TEXT, self._start)
        self._frames(now)

    def _frames(self, now: float) -> None:
        """Takes all frames that are whole; a server masks none, and this one splits none."""
        buffer, at = self._buffer, 0
        while len(buffer) - at >= 2:
            first, size, begin = buffer[at], buffer[at + 1], at + 2
            if size >= 126:
                form = ">H" if size == 126 else ">Q"
                begin += struct.calcsize(form)
                if len(buffer) < begin:
                    break
                (size,) = struct.unpack_from(form, buffer, at + 2)
            if len(buffer) < begin + size:
                break
            self._take(first, begin, size, now)
            at = begin + size
        del buffer[:at]

    def _take(self, first: int, begin: int, size: int, now: float) -> None:
        opcode = first & 0x0F
        if opcode == Opcode.BINARY:
            _, _, flags, _, _, segment, offset = wire.HEADER.unpack_from(self._buffer, begin)
            samples = (size - wire.HEADER.size) // SAMPLE_BYTES
            self.heard.setdefault(segment, Heard()).take(offset, samples, bool(flags & LAST), now)
            return
        payload = bytes(self._buffer[begin : begin + size])
        if opcode == Opcode.TEXT and not self.ready.done():
            self._read(self._inflate.decompress(payload + b"\0\0\xff\xff") if first & COMPRESSED else payload)
        elif opcode == Opcode.PING:
            self._send(Opcode.PONG, payload)
        elif opcode == Opcode.CLOSE:
            self._code = struct.unpack_from(">H", payload)[0] if len(payload) > 1 else NO_CODE
            self._send(Opcode.CLOSE, payload[:2])

    def _read(self, text: bytes) -> None:
        message = json.loads(text)
        if message["type"] == "session.started":
            self.ready.set_result(True)
        elif message["type"] == "error":
            self.refusal = f"{message['code']}: {message['message']}"

    def leave(self) -> None:
        """Ends the session; `closed` comes when the gateway has ended it too."""
        self._send(Opcode.TEXT, b'{"type":"session.end"}')

    def hang_up(self) -> None:
        """Ends the connection without ceremony."""
        self._transport.abort()

    def _send(self, opcode: Opcode, payload: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(Frame(opcode, payload).serialize(mask=True))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_result(False)
        self.closed.set_result(self._code)
