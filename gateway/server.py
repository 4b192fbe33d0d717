"""The process that serves the application: its socket, its protocols, and how it stops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from asyncio import TimerHandle
from typing import Any

import structlog
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from bridge import logs, tracing
from bridge.address import exported
from bridge.errors import SettingsError
from bridge.settings import Settings
from gateway import scrapes
from gateway.app import create_app
from gateway.protocols.native.connection import Connection
from gateway.protocols.native.transport import allowing

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 3


class Http(H11Protocol):
    """uvicorn's HTTP protocol, which waits for the head of a request for a time only."""

    header_seconds = 10.0
    _head: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        cycle = self.cycle
        super().data_received(data)
        upgraded = self.transport.get_protocol() is not self
        if upgraded or self.cycle is not cycle or self.transport.is_closing():
            self._head_is_there()
        elif self._head is None and (cycle is None or cycle.response_complete):
            self._expect_head()  # the next request on the same connection has begun

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._head = self.loop.call_later(self.header_seconds, self.transport.close)

    def _head_is_there(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


class Server(uvicorn.Server):
    """Tells every client to come back before the sockets close."""

    def __init__(self, config: uvicorn.Config, connections: set[Connection]) -> None:
        super().__init__(config)
        self._connections = connections
        self.own: tuple[socket.socket, uvicorn.Config] | None = None
        """Where others listen on the same port: a socket of this process alone, and what it serves there."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.own is not None:
            await self._listen(*self.own)
        # What is there now stays: looking through 100 000 objects holds all sessions for 20 ms each time.
        gc.collect()
        gc.freeze()

    async def _listen(self, bound: socket.socket, config: uvicorn.Config) -> None:
        config.load()
        protocol: Any = config.http_protocol_class
        loop = asyncio.get_running_loop()
        self.servers.append(
            await loop.create_server(lambda: protocol(config, self.server_state, {}), sock=bound)
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # First of all, so that whoever is told to come back comes to another gateway.
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in list(self._connections):
            connection.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.gather(*(connection.closed.wait() for connection in list(self._connections)))
        await super().shutdown(sockets)


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT. Raises SettingsError where the port cannot be had."""
    logs.setup(settings, process="gateway")
    tracing.setup("speechbridge-gateway")
    bound = bind(settings)
    own = bind_metrics(settings) if settings.metrics and settings.reuse_port else None
    connections: set[Connection] = set()
    app = create_app(settings, connections, exported(*(own or bound).getsockname()[:2]))
    http = type("Http", (Http,), {"header_seconds": settings.http_header_seconds})
    config = uvicorn.Config(
        app,
        http=http,
        ws=allowing(settings.ws_rate, settings.ws_burst),
        ws_max_size=settings.ws_max_message_size,
        ws_ping_interval=settings.ws_ping_interval,
        ws_ping_timeout=settings.ws_ping_timeout,
        ws_per_message_deflate=settings.ws_compression,
        proxy_headers=False,  # what is believed of them is decided where it is used
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = Server(config, connections)
    if own is not None:
        metrics = scrapes.alone(app.state)
        server.own = own, uvicorn.Config(metrics, http=http, ws="none", log_config=None, access_log=False)
    host, port = bound.getsockname()[:2]
    log.info("gateway listens", url=f"http://{host}:{port}")
    # Operators look for the word: `grep keepalive`.
    log.info(
        "keepalive: clients are pinged",
        every_seconds=settings.ws_ping_interval,
        answer_within_seconds=settings.ws_ping_timeout,
    )
    # uvicorn raises the signal that stopped it once more; a stop that was asked for is a success.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        server.run(sockets=[bound])
    finally:
        tracing.close()


def bind(settings: Settings) -> socket.socket:
    """A listening socket on HOST and PORT; several processes share it with `reuse_port`.

    Raises SettingsError where it cannot be had.
    """
    hint = "Set PORT (or --port) to a free one, or HOST to an address of this machine."
    return _listening(settings.host, settings.port, hint, shared=settings.reuse_port)


def bind_metrics(settings: Settings) -> socket.socket:
    """A listening socket on METRICS_HOST and METRICS_PORT. Raises SettingsError where it cannot be had."""
    hint = "Leave METRICS_PORT at 0 where several share a machine; METRICS_HOST is an address of this one."
    return _listening(settings.metrics_host, settings.metrics_port, hint)


def _listening(host: str, port: int, hint: str, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SettingsError(f"{host}:{port} cannot be listened on: {error.strerror}.", hint) from error
    bound.listen(1024)
    bound.setblocking(False)
    return bound
