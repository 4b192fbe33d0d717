"""Counts what is asked by HTTP, by the route that answers it and how."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.metrics import gateway as series

NOWHERE = "none"
"""The route of what has none: the path that was asked for may be anything."""


class Counted:
    """Around an application, outside of what answers for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._paths: dict[object, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # where it fails before it answers

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            series.REQUESTS.labels(self._route(scope), str(status)).inc()

    def _route(self, scope: Scope) -> str:
        """The template that led to the endpoint; of what is mounted, the path where it is."""
        if not self._paths and "app" in scope:
            self._paths = {_endpoint(route): route.path for route in scope["app"].routes}
        return self._paths.get(scope.get("endpoint"), NOWHERE)


def _endpoint(route: Any) -> object:
    return route.endpoint if hasattr(route, "endpoint") else route.app
