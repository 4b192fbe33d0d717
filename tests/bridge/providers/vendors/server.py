"""A vendor's API on loopback: answers as its documentation says, or with the trouble it is told to make."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any

PIECE = 4_800


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What is sent back: `breaks` cuts it off after so many bytes, `late` keeps its first byte back."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks: int | None = None
    late: bool = False
    pauses: int | None = None
    """Bytes after which the rest waits until the vendor is let go."""
    piece: int = PIECE


class Vendor:
    """One fake server; `troubles` are its next answers, before those of `reply`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.troubles: list[Answer] = []
        self.free = threading.Event()
        self.broken = threading.Event()
        """Set where a client hung up."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def reply(self, asked: Asked) -> Answer:
        raise NotImplementedError

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self.free.set()
            self._server.shutdown()
            self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                chunked = self.headers.get("Transfer-Encoding") == "chunked"
                length = int(self.headers.get("Content-Length", 0))
                body = chunks(self.rfile) if chunked else self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.path, headers, body, self.command)
                vendor.asked.append(asked)
                answer = vendor.troubles.pop(0) if vendor.troubles else vendor.reply(asked)
                try:
                    self._send(answer)
                except OSError:
                    vendor.broken.set()
                    self.close_connection = True

            do_GET = do_POST

            def _send(self, answer: Answer) -> None:
                if answer.late:
                    vendor.free.wait(10)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for start in range(0, len(answer.body), answer.piece):
                    if answer.breaks is not None and start >= answer.breaks:
                        self.close_connection = True
                        return
                    if answer.pauses is not None and start >= answer.pauses:
                        vendor.free.wait(10)
                    piece = answer.body[start : start + answer.piece]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def chunks(file: BufferedIOBase) -> bytes:
    """A body that is sent in chunks."""
    found = b""
    while size := int(file.readline(), 16):
        found += file.read(size)
        file.readline()
    file.readline()
    return found


def said(value: object, status: int = 200, **headers: str) -> Answer:
    """JSON."""
    return Answer(json.dumps(value).encode(), status, {"Content-Type": "application/json", **headers})
