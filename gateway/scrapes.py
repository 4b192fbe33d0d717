"""What Prometheus reads over HTTP: the metrics of this process, and the addresses of all that have some."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.errors import BridgeError
from gateway.answers import problem
from gateway.runtime.monitor import Monitor

OFF = BridgeError(
    "This gateway exports no metrics: METRICS is false.",
    "Set METRICS=true and restart it.",
    code="metrics_off",
)


def add(app: Starlette) -> None:
    """Serves them; `app.state.monitor` is there once `app` has started, None where METRICS is off."""
    app.add_route("/metrics", _metrics, include_in_schema=False)
    app.add_route("/metrics/targets", _targets, include_in_schema=False)


def alone(state: State) -> Starlette:
    """An application that serves nothing else; `state` is that of the one which serves clients."""
    app = Starlette()
    app.state = state
    add(app)
    return app


async def _metrics(request: Request) -> Response:
    """The metrics of the process that answers."""
    monitor: Monitor | None = request.app.state.monitor
    if monitor is None:
        return problem(OFF)
    page, media = await monitor.page(request.headers.get("accept", ""))
    return Response(page, headers={"Content-Type": media})


async def _targets(request: Request) -> Response:
    """Whom to scrape: every gateway and every worker."""
    monitor: Monitor | None = request.app.state.monitor
    if monitor is None:
        return problem(OFF)
    try:
        return JSONResponse(await monitor.targets())
    except BridgeError as error:
        return problem(error)
