"""`speechbridge room`: makes a room on a running server, and shows the links to it."""

from __future__ import annotations

import io
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TextIO
from urllib.parse import urlsplit

import typer

from bridge.cli.terminal import as_json

if TYPE_CHECKING:
    from bridge.cli.rooms import Made


def room(
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The running server, as others reach it; else this machine, PORT."),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="What those who join see.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, nothing else.")] = False,
) -> None:
    """Make a room on a running server: a link for listening, one for speaking, and a QR code.

    Whoever has a link may use it. The secret behind # is never sent in a request for a page.
    """
    from bridge.cli.rooms import create

    made = create(url or _here(), name)
    if json:
        typer.echo(as_json(asdict(made)))
        return
    typer.echo("\n".join(_lines(made)))
    if code := drawn(made.listen, sys.stdout):
        typer.echo(f"\n{code}")
    if urlsplit(made.listen).hostname in ("127.0.0.1", "localhost", "::1"):
        typer.echo("These links work on this machine only.", err=True)
        typer.echo("→ For others: --url with the address by which they reach the server.", err=True)


def _here() -> str:
    from bridge.settings import Settings

    return f"http://127.0.0.1:{Settings.read().port}"


def _lines(made: Made) -> list[str]:
    hours = round(made.expires_s / 3600)
    kept = f"{hours} h" if hours else f"{made.expires_s:.0f} s"
    return [
        f"Room {made.name or made.room}, kept until nobody used it for {kept}",
        f"  listen  {made.listen}",
        f"  speak   {made.speak}",
    ]


def drawn(link: str, out: TextIO) -> str:
    """A link as a QR code in half blocks; empty where `out` lacks them."""
    import segno

    code = io.StringIO()
    segno.make(link, error="m", micro=False).terminal(code, border=2, compact=True)
    try:
        code.getvalue().encode(out.encoding or "ascii")
    except UnicodeEncodeError:
        return ""
    rows = code.getvalue().splitlines()
    if out.isatty() and not os.environ.get("NO_COLOR"):
        # White on black whatever the colours of the terminal: cameras want dark on light.
        rows = [f"\033[40;97m{row}\033[0m" for row in rows]
    return "\n".join(rows)
