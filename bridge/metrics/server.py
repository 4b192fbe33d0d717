"""A port on which one process shows its series to Prometheus: `GET /metrics`."""

from __future__ import annotations

import errno
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app

from bridge.errors import SettingsError

log = structlog.get_logger(__name__)

HIGHEST = 65_535
PATIENCE_SECONDS = 5.0
"""How long a client may be silent, which costs a thread."""
POLL_SECONDS = 0.1
"""How soon the serving ends; 0.5 s otherwise, for which a worker that stops would wait."""


class Page:
    """Serves what the registry holds from its making to `close`; `refresh` is called before each answer, to
    set what says what is now. Port 0 takes a free one.

    Raises SettingsError, naming METRICS_HOST or METRICS_PORT, where it cannot listen.
    """

    def __init__(self, host: str, port: int, registry: CollectorRegistry = REGISTRY) -> None:
        self.refresh: Callable[[], None] | None = None
        self._exported = make_wsgi_app(registry)
        self._server = _listening(host, port)
        self._server.set_app(self._answer)
        self.port: int = self._server.server_port
        threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), name="metrics", daemon=True
        ).start()

    def close(self) -> None:
        """Ends the serving; the port is free again."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if self.refresh is not None:
            try:
                self.refresh()
            except Exception:  # an engine that fails to say what it holds hides nothing of the rest
                log.exception("not all metrics are fresh")
        answer: Iterable[bytes] = self._exported(environ, start)
        return answer


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE_SECONDS

    def log_message(self, format: str, *args: Any) -> None:
        """A line for each scrape would hide the others."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # Not as the base class does, which asks DNS for its own name: seconds where that is slow.
        socketserver.TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("metrics not sent", exc_info=True)


class _Server6(_Server):
    address_family = socket.AF_INET6


def _listening(host: str, port: int) -> _Server:
    if port > HIGHEST:
        raise SettingsError(f"METRICS_PORT leads to port {port}.", f"The highest is {HIGHEST}.")
    kind = _Server6 if ":" in host else _Server
    try:
        return kind((host, port), _Handler)
    except PermissionError:
        raise SettingsError(
            f"METRICS_PORT: port {port} needs more rights.", "Choose one above 1023, or 0 for a free one."
        ) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"METRICS_PORT: port {port} on {host} is in use.",
                "Give each process its own, a worker in its `env` in the topology; or set METRICS_PORT=0.",
            ) from None
        raise SettingsError(
            f"METRICS_HOST={host} is no address of this machine: {error.strerror}.",
            "Use 127.0.0.1, or 0.0.0.0 where Prometheus comes over a network.",
        ) from None
