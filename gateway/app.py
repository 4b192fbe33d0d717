"""The FastAPI application: the stream, the pages, and what operators and clients ask by HTTP."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from bridge import languages, measured, topology
from bridge.errors import RedisUnavailable
from bridge.metrics import gateway as series
from bridge.settings import Settings
from bridge.store.circuits import Circuit
from bridge.store.registry import WorkerRecord
from bridge.tasks import configure
from bridge.types import STAGES
from gateway import pages, rooms, scrapes
from gateway.answers import problem
from gateway.protocols.native.connection import Connection
from gateway.protocols.native.frames import Press
from gateway.requests import Counted
from gateway.runtime.backend import Backend
from gateway.runtime.halls import Halls
from gateway.runtime.monitor import Monitor
from gateway.runtime.offers import Offer

ASKED = ["GET", "HEAD"]
SKEW_MS = 1_000
"""Milliseconds from which the clocks of two hosts are said to disagree; nothing but logs depends on them."""


class Shared(CORSMiddleware):
    """Lets pages of other sites that are named read the answers for clients, not the metrics of operators."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        operators = scope["type"] == "http" and scope["path"].startswith("/metrics")
        await (self.app if operators else super().__call__)(scope, receive, send)


def create_app(settings: Settings, connections: set[Connection], address: str = "") -> FastAPI:
    """The application; it starts, and says in /readyz what is missing, even without Redis or workers.

    `connections` holds the open ones, for whoever stops the server; `address` is where others find the
    metrics of this process, "" for nowhere.
    """
    queues = topology.load(settings.topology)
    configure(settings, queues, "gateway")
    measured.begin(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        backend = app.state.backend = Backend(settings)
        halls = app.state.halls = Halls(backend)
        series.PENDING.set_function(lambda: sum(each.outbox.pending for each in list(connections)))
        await backend.start()
        monitor = app.state.monitor = Monitor(backend, queues.queues, address) if settings.metrics else None
        if monitor:
            monitor.start()
        try:
            yield
        finally:
            if monitor:
                await monitor.stop()
            await halls.stop()
            await backend.stop()

    app = FastAPI(title="speechbridge", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(
        Shared,
        allow_origins=sorted(settings.origins),
        allow_methods=[*ASKED, "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
    )
    app.add_middleware(Counted)
    _routes(app, connections)
    return app


def _routes(app: FastAPI, connections: set[Connection]) -> None:
    press = Press()

    @app.websocket("/v1/stream")
    async def stream(websocket: WebSocket) -> None:
        connection = Connection(websocket, app.state.halls, press)
        connections.add(connection)
        try:
            with series.CONNECTIONS.track_inprogress():
                await connection.serve()
        finally:
            connections.discard(connection)

    @app.api_route("/healthz", methods=ASKED)
    async def healthz() -> dict[str, Any]:
        """Alive: the event loop of process `pid` answers."""
        return {"status": "ok", "pid": os.getpid()}

    @app.api_route("/readyz", methods=ASKED)
    async def readyz() -> JSONResponse:
        """Ready: Redis answers and every stage has a live worker. 503 with the reason otherwise."""
        try:
            workers = await app.state.backend.fleet.look()
        except RedisUnavailable as error:
            return JSONResponse({"ready": False, "redis": error.message, "hint": error.hint}, 503)
        missing = list(Offer.of(workers).missing)
        status = {"ready": not missing, "redis": "ok", "missing": missing, "slots": _slots(workers)}
        breakers = _breakers(app.state.backend.fleet.circuits)
        return JSONResponse(status | breakers | _clocks(workers), 503 if missing else 200)

    @app.api_route("/v1/languages", methods=ASKED)
    async def offered() -> JSONResponse:
        """The pairs that can be heard right now, with their names and writing direction."""
        try:
            offer = Offer.of(await app.state.backend.fleet.look())
        except RedisUnavailable as error:
            return problem(error)
        return JSONResponse(_languages(offer))

    rooms.add(app)
    scrapes.add(app)
    pages.add(app)


def _slots(workers: list[WorkerRecord]) -> dict[str, int]:
    """How much each stage runs at once: what a client may send side by side without waiting for itself."""
    live = [worker for worker in workers if not worker.draining]
    return {stage: sum(worker.slots for worker in live if worker.stage == stage) for stage in STAGES}


def _breakers(circuits: Sequence[Circuit]) -> dict[str, Any]:
    """By stage and provider: whether it is asked, and if not, for how many seconds still, and why."""
    found: dict[str, dict[str, Any]] = {}
    for each in circuits:
        told: dict[str, Any] = {"state": each.state}
        if each.state != "closed":
            told |= {"code": each.code, "since": _moment(each.since), "left_s": each.left, "hint": each.hint}
        found.setdefault(each.stage, {})[each.provider] = told
    return {"breakers": found}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _clocks(workers: list[WorkerRecord]) -> dict[str, Any]:
    """The hosts whose clock disagrees with Redis', in seconds ahead of it; empty where none does."""
    ahead = {worker.host: round(worker.ahead_ms / 1000, 1) for worker in workers}
    wrong = {host: seconds for host, seconds in ahead.items() if abs(seconds) * 1000 > SKEW_MS}
    return {"clocks": wrong} if wrong else {}


def _languages(offer: Offer) -> dict[str, Any]:
    tags = sorted({tag for pair in offer.pairs for tag in pair})
    known = [languages.find(tag) for tag in tags]
    return {
        "detects": offer.detects,
        "pairs": [_pair(source, target) for source, target in sorted(offer.pairs)],
        "languages": [
            {"tag": language.tag, "name": language.name, "rtl": language.rtl} for language in known
        ],
    }


def _pair(source: str, target: str) -> dict[str, Any]:
    as_spoken = {"as_spoken": True} if languages.same(source, target) else {}
    return {"source": source, "target": target} | as_spoken
