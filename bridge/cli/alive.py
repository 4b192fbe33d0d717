"""`speechbridge alive SERVICE`: the health check of a container, 0.2 s long, with nothing but Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.settings import Settings


def alive(
    service: Annotated[Literal["gateway", "worker", "flower"], typer.Argument(help="What should run here.")],
) -> None:
    """Exit with 0 if this service runs on this host, else say why not and exit with 1."""
    from bridge.settings import Settings

    settings = Settings.read()
    if service == "gateway":
        _answers(settings.host, settings.port, "/healthz")
    elif service == "flower":
        _answers(settings.flower_host, settings.flower_port, "/healthcheck")
    else:
        _registered(settings)


def _answers(host: str, port: int, path: str) -> None:
    from bridge.cli.network import fetch

    answer = fetch(host, port, path)
    if answer is None:
        raise BridgeError(f"Nobody answers on port {port} of {host}.", code="not_alive")
    if answer[0] != 200:
        raise BridgeError(f"{path} on port {port} of {host} gives {answer[0]}.", code="not_alive")


def _registered(settings: Settings) -> None:
    """A worker registers once its engine is loaded, and its record ends with its heartbeat."""
    from socket import gethostname

    from bridge.errors import SettingsError
    from bridge.store.registry import Registry

    if not settings.redis_url:
        raise SettingsError("REDIS_URL is empty.", "Set it to the Redis that the worker uses.")
    registry = Registry(settings.redis_url)
    try:
        hosts = {record.host for record in registry.workers()}
    finally:
        registry.close()
    if gethostname() not in hosts:
        raise BridgeError(f"No live worker is registered from {gethostname()}.", code="not_alive")
