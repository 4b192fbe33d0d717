"""`speechbridge status`: whether people hear each other, in one screen that keeps itself up to date."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer


def status(
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="A running gateway, else that of HOST and PORT.")
    ] = None,
    interval: Annotated[
        float, typer.Option(metavar="S", min=0.2, max=60, help="Seconds from one look to the next.")
    ] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Show what one interval brought, and end.")] = False,
    duration: Annotated[
        float | None, typer.Option(metavar="S", min=0, help="End by itself after so many seconds.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each look, a line each.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append these lines to a file, with seconds since the start."),
    ] = None,
) -> None:
    """Show who is here, what waits, who works, how long listeners wait, and what is wrong.

    The numbers are those of all gateways and workers. Where no gateway answers, Redis tells what it can.

    Exit code 0: all is well at the last look, or it was ended by Ctrl-C.

    Exit code 1: something is wrong, as the first line says.
    """
    from bridge.cli.network import reachable
    from bridge.cli.status.watch import Plan, watch
    from bridge.settings import Settings

    settings = Settings.read()
    address = url or f"http://{reachable(settings.host)}:{settings.port}"
    with suppress(KeyboardInterrupt):
        if not asyncio.run(watch(address, settings, Plan(interval, once, duration, as_json, out))):
            raise typer.Exit(1)
