"""Who answers to a look: a gateway of this process, or a server of given pages."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import uvicorn

from bridge.settings import Settings
from gateway.app import create_app
from tests.stack import free_port, wait_until


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """A gateway in a thread of this process."""
    port = free_port()
    app = create_app(settings, set(), f"127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, 5, "the gateway serves")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def answering(pages: Mapping[str, str], away: Collection[str] = ()) -> Iterator[str]:
    """A server of these pages that answers 503 to those `away`, and 404 to all else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = pages.get(self.path)
            self.send_response(503 if self.path in away else 404 if text is None else 200)
            self.end_headers()
            self.wfile.write((text or "not found").encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def named(*targets: tuple[str, str]) -> str:
    """What `/metrics/targets` says of jobs and addresses."""
    return json.dumps([{"targets": [address], "labels": {"job": job}} for job, address in targets])
