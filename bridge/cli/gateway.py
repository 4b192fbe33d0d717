"""`speechbridge gateway`: the process that clients connect to."""

from __future__ import annotations

from typing import Annotated

import typer


def gateway(
    host: Annotated[str | None, typer.Option(help="Address to listen on, else HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, else PORT.")] = None,
) -> None:
    """Serve clients, with the Redis and the workers that run elsewhere."""
    from bridge.cli.variables import warn
    from bridge.settings import Settings
    from gateway.server import serve

    settings = Settings.read(host=host, port=port)
    warn(settings)
    serve(settings)
