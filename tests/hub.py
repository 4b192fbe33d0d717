"""A model hub on this machine: the few routes that the hub's own library asks for."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

LARGE = 1_000
"""Bytes from which a file is kept as a large one, with its SHA-256."""

REVISION = "0123456789abcdef0123456789abcdef01234567"


def git_name(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content)).hexdigest()


@dataclass
class Hub:
    """What it has and what it was asked. `breaks` cuts the next answers for a path off at that byte."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    licences: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    breaks: dict[str, int] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    statuses: dict[str, int] = field(default_factory=dict)
    hold: Callable[[], None] = lambda: None
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def start(self) -> None:
        hub = self

        class Handler(_Handler):
            owner = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def file(self, repository: str, path: str) -> dict[str, Any]:
        """What the hub says of a file."""
        content = self.repositories[repository][path]
        size = self.sizes.get(path, len(content))
        entry: dict[str, Any] = {"size": size, "oid": git_name(content)}
        if len(content) >= LARGE:
            sha256 = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {
                "size": size,
                "sha256": sha256,
                "oid": sha256,
                "pointerSize": 134,
                "pointer_size": 134,
            }
        return entry


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Hub

    def do_GET(self) -> None:
        self._note()
        path = unquote(urlparse(self.path).path)
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)", path):
            self._about(match[1])
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._content(match[1], match[3])
        else:
            self._json({"error": f"no route {path}"}, 404)

    def do_POST(self) -> None:
        self._note()
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        match = re.fullmatch(r"/api/models/([^/]+/[^/]+)/paths-info/main", unquote(self.path))
        assert match
        if not self._there(match[1]):
            return
        has = self.owner.repositories[match[1]]
        self._json(
            [
                {"type": "file", "path": path, **self.owner.file(match[1], path)}
                for path in body["paths"]
                if path in has
            ]
        )

    def _about(self, repository: str) -> None:
        if not self._there(repository):
            return
        files = []
        for path in self.owner.repositories[repository]:
            entry = self.owner.file(repository, path)
            files.append(
                {"rfilename": path, "size": entry["size"], "blobId": entry["oid"], "lfs": entry.get("lfs")}
            )
        licence = self.owner.licences.get(repository)
        card = {"license": licence} if licence else {}
        self._json({"id": repository, "sha": REVISION, "siblings": files, "cardData": card})

    def _content(self, repository: str, path: str) -> None:
        content = self.owner.repositories[repository][path]
        if path in self.owner.damaged:
            content = bytes(len(content))
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        end = self.owner.breaks.pop(path, len(content))
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(max(0, len(content) - begin)))
        self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        self.wfile.write(content[begin:end])
        self.wfile.flush()
        if end < len(content):
            self.owner.hold()
            self.close_connection = True

    def _there(self, repository: str) -> bool:
        if status := self.owner.statuses.get(repository):
            self._json({"error": "The hub is not well."}, status)
        elif repository not in self.owner.repositories:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            return True
        return False

    def _json(self, value: object, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _note(self) -> None:
        self.owner.asked.append((self.command, self.path, self.headers.get("Range", "")))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""
