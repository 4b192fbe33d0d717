"""Requests are counted by the route that answers them, never by the path that somebody made up."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from bridge.settings import Settings
from gateway.app import create_app
from gateway.requests import Counted
from tests.gateway.runtime.test_flights import Change


def answers(settings: Settings, *asked: tuple[str, str]) -> list[int]:
    """The status of each, from an application that was started for them."""

    async def run() -> list[int]:
        app = create_app(settings, set())
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://gateway") as client,
        ):
            return [(await client.request(method, path)).status_code for method, path in asked]

    return asyncio.run(run())


def requests(*counted: tuple[str, str]) -> Change:
    return Change(
        *(("bridge_requests_total", {"route": route, "status": status}) for route, status in counted)
    )


@pytest.mark.redis
def test_a_route_is_named_by_its_template_and_never_by_what_was_asked_for(settings: Settings) -> None:
    room, page = ("/v1/rooms/{room}", "404"), ("/r/{room}", "200")
    grown = requests(
        ("/healthz", "200"),
        ("/healthz", "405"),
        room,
        page,
        ("/web", "200"),
        ("/web", "404"),
        ("none", "404"),
    )
    found = answers(
        settings,
        ("GET", "/healthz"),
        ("DELETE", "/healthz"),
        ("GET", "/v1/rooms/0123456789ab"),
        ("GET", "/v1/rooms/ba9876543210"),
        ("GET", "/r/0123456789ab"),
        ("GET", "/web/index.html"),
        ("GET", "/web/no-such-file.js"),
        ("GET", "/wp-login.php"),
        ("POST", "/.env"),
    )

    assert found == [200, 405, 404, 404, 200, 200, 404, 404, 404]
    assert grown() == [1, 1, 2, 1, 1, 1, 2]


def test_a_fault_of_the_program_counts_as_one() -> None:
    async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("a fault")

    async def run() -> None:
        nothing: Any = None
        await Counted(faulty)({"type": "http"}, nothing, nothing)

    grown = requests(("none", "500"))
    with pytest.raises(LookupError):
        asyncio.run(run())

    assert grown() == [1]
