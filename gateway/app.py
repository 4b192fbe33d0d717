"""The FastAPI application and the process that serves it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI, WebSocket
from fastapi.responses import JSONResponse

from bridge import languages, logs, topology
from bridge.errors import RedisUnavailable, SettingsError
from bridge.pipeline import Pipeline
from bridge.settings import Settings
from bridge.streams import Feed, Store
from bridge.tasks import configure
from gateway import pages
from gateway.backend import Backend
from gateway.deflate import TextDeflateProtocol
from gateway.limits import Places
from gateway.offers import Offer
from gateway.relay import Relay
from gateway.socket import Connection
from gateway.vad import Model

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 3


def create_app(settings: Settings, connections: set[Connection]) -> FastAPI:
    """The application; it starts, and says in /readyz what is missing, even without Redis or workers.

    `connections` holds the open ones, for whoever stops the server.
    """
    configure(settings, topology.load(settings.topology), "gateway")

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = Store(settings.redis_url)
        pipeline = Pipeline(store, settings)
        relay = Relay(store, Feed(settings.redis_url, secrets.token_hex(4)))
        app.state.backend = Backend(
            settings, store, pipeline, relay, Model(), Places(settings.ws_max_connections)
        )
        relay.start()
        await asyncio.to_thread(pipeline.warm)
        try:
            yield
        finally:
            await relay.stop()
            store.close()

    app = FastAPI(title="speechbridge", lifespan=lifespan, docs_url=None, redoc_url=None)
    _routes(app, connections)
    return app


def _routes(app: FastAPI, connections: set[Connection]) -> None:
    @app.websocket("/v1/stream")
    async def stream(websocket: WebSocket) -> None:
        connection = Connection(websocket, app.state.backend)
        connections.add(connection)
        try:
            await connection.serve()
        finally:
            connections.discard(connection)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Alive: the event loop answers."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """Ready: Redis answers and every stage has a live worker. 503 with the reason otherwise."""
        try:
            offer, status = await _offer(app.state.backend), {"redis": "ok"}
        except RedisUnavailable as error:
            return JSONResponse({"ready": False, "redis": error.message, "hint": error.hint}, 503)
        missing = list(offer.missing)
        return JSONResponse({"ready": not missing, **status, "missing": missing}, 503 if missing else 200)

    @app.get("/v1/languages")
    async def offered() -> JSONResponse:
        """The pairs that can be heard right now, with their names and writing direction."""
        try:
            offer = await _offer(app.state.backend)
        except RedisUnavailable as error:
            return JSONResponse({"code": error.code, "message": error.message, "hint": error.hint}, 503)
        return JSONResponse(_languages(offer))

    pages.add(app)


async def _offer(backend: Backend) -> Offer:
    return Offer.of(await asyncio.to_thread(backend.pipeline.workers, fresh=True))


def _languages(offer: Offer) -> dict[str, Any]:
    tags = sorted({tag for pair in offer.pairs for tag in pair})
    known = [languages.find(tag) for tag in tags]
    return {
        "detects": offer.detects,
        "pairs": [{"source": source, "target": target} for source, target in sorted(offer.pairs)],
        "languages": [
            {"tag": language.tag, "name": language.name, "rtl": language.rtl} for language in known
        ],
    }


class _Server(uvicorn.Server):
    """Tells every client to come back before the sockets close."""

    def __init__(self, config: uvicorn.Config, connections: set[Connection]) -> None:
        super().__init__(config)
        self._connections = connections

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in self._connections:
            connection.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.gather(*(connection.closed.wait() for connection in list(self._connections)))
        await super().shutdown(sockets)


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT. Raises SettingsError where the port cannot be had."""
    logs.setup(settings, process="gateway")
    bound = _bind(settings)
    connections: set[Connection] = set()
    app = create_app(settings, connections)
    config = uvicorn.Config(
        app,
        ws=TextDeflateProtocol,
        ws_max_size=settings.ws_max_message_size,
        ws_ping_interval=settings.ws_ping_interval,
        ws_ping_timeout=settings.ws_ping_timeout,
        ws_per_message_deflate=settings.ws_compression,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    host, port = bound.getsockname()[:2]
    log.info("gateway listens", url=f"http://{host}:{port}")
    # uvicorn raises the signal that stopped it once more; a stop that was asked for is a success.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    _Server(config, connections).run(sockets=[bound])


def _bind(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((settings.host, settings.port))
    except OSError as error:
        bound.close()
        raise SettingsError(
            f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}.",
            "Set PORT (or --port) to a free one, or HOST to an address of this machine.",
        ) from error
    bound.listen(1024)
    bound.setblocking(False)
    return bound
