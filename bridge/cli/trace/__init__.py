"""`speechbridge trace`: what happened to the segments of a session, from the microphone to the ear."""

from __future__ import annotations

from typing import Annotated

import typer


def trace(
    session: Annotated[
        str | None, typer.Argument(help="Session, or how its name begins; without one, those there are.")
    ] = None,
    segment: Annotated[int | None, typer.Option(help="This segment only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each segment.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is said from now.")] = False,
) -> None:
    """Show where the time of each segment went, as a tree, until its first sound was heard."""
    from bridge.cli import redis_server
    from bridge.cli.trace.show import show
    from bridge.settings import Settings

    show(redis_server.url_of(Settings.read()), session, segment, as_json=as_json, follow=follow)
