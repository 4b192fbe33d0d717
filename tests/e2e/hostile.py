"""A client that keeps no rule: raw frames over a socket of its own, as fast as the kernel takes them."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import time
from typing import Any

TEXT, BINARY, CLOSE, PING, CONT = 1, 2, 8, 9, 0


def frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A frame of a client; its mask is zero, so that the payload is what it says."""
    size = len(payload)
    if size < 126:
        length = struct.pack("!B", 0x80 | size)
    elif size < 65_536:
        length = struct.pack("!BH", 0x80 | 126, size)
    else:
        length = struct.pack("!BQ", 0x80 | 127, size)
    return bytes([(0x80 if fin else 0) | opcode]) + length + b"\0\0\0\0" + payload


class Raw:
    """One connection, open from the start."""

    def __init__(self, port: int, *, receive_buffer: int = 0, origin: str = "") -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        origin = f"Origin: {origin}\r\n" if origin else ""
        self.socket.sendall(
            f"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n{origin}"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._seen = b""
        while b"\r\n\r\n" not in self._seen:
            self._seen += self.socket.recv(65_536)
        head, _, self._seen = self._seen.partition(b"\r\n\r\n")
        assert b"101" in head.splitlines()[0], head

    def say(self, message: dict[str, Any]) -> None:
        self.socket.sendall(frame(TEXT, json.dumps(message).encode()))

    def flood(self, data: bytes, seconds: float) -> None:
        """Sends `data` again and again, for so long or until nobody takes any more."""
        end = time.monotonic() + seconds
        try:
            while (left := end - time.monotonic()) > 0:
                self.socket.settimeout(left)
                self.socket.sendall(data)
        except OSError:
            return

    def read(self, seconds: float, until: str = "") -> tuple[list[dict[str, Any]], int | None]:
        """The messages until the server closes, and its close code; None where it has not closed by then,
        or not before a message of the type `until`."""
        end = time.monotonic() + seconds
        messages: list[dict[str, Any]] = []
        while True:
            while (found := self._frame()) is not None:
                opcode, payload = found
                if opcode == TEXT:
                    messages.append(json.loads(payload))
                    if messages[-1]["type"] == until:
                        return messages, None
                elif opcode == CLOSE:
                    return messages, struct.unpack("!H", payload[:2])[0]
            left = end - time.monotonic()
            if left <= 0:
                return messages, None
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65_536)
            except OSError:
                return messages, None
            if not data:
                return messages, None
            self._seen += data

    def close(self) -> None:
        self.socket.close()

    def _frame(self) -> tuple[int, bytes] | None:
        data = self._seen
        if len(data) < 2:
            return None
        size, at = data[1] & 0x7F, 2
        if size == 126:
            if len(data) < 4:
                return None
            size, at = struct.unpack_from("!H", data, 2)[0], 4
        elif size == 127:
            if len(data) < 10:
                return None
            size, at = struct.unpack_from("!Q", data, 2)[0], 10
        if len(data) < at + size:
            return None
        self._seen = data[at + size :]
        return data[0] & 0x0F, data[at : at + size]
