"""The `speechbridge` command. Each verb is a file here; what is heavy is imported when the verb runs."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from bridge.cli.alive import alive
from bridge.cli.bench import bench
from bridge.cli.config import config
from bridge.cli.doctor import doctor
from bridge.cli.flower import flower
from bridge.cli.gateway import gateway
from bridge.cli.listen import listen
from bridge.cli.models import models
from bridge.cli.presets import presets
from bridge.cli.profile import profile
from bridge.cli.providers import providers
from bridge.cli.room import room
from bridge.cli.status import status
from bridge.cli.terminal import steadied
from bridge.cli.trace import trace
from bridge.cli.translate import translate
from bridge.cli.up import up
from bridge.cli.worker import worker
from bridge.errors import BridgeError

app = typer.Typer(
    help="Live speech translation: speak, and everyone else hears it in their own language.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(up)
app.command()(gateway)
app.command()(worker)
app.command(hidden=True)(flower)
app.command(hidden=True)(alive)
app.command()(translate)
app.command()(room)
app.command()(listen)
app.command()(status)
app.command()(trace)
app.command()(doctor)
app.command()(providers)
app.command()(presets)
app.add_typer(bench, name="bench")
app.add_typer(profile, name="profile")
app.add_typer(config, name="config")
app.add_typer(models, name="models")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("speechbridge"))
        raise typer.Exit


@app.callback()
def _root(
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Values of config/presets/NAME.env, below `.env`.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    if preset:
        os.environ["PRESET"] = preset


def main() -> None:
    """Runs the command line. An error of ours is two lines on stderr and exit code 1, never a traceback."""
    with steadied():
        try:
            app(prog_name="speechbridge")
        except BridgeError as error:
            sys.stderr.write(f"error: {error.message}\n")
            if error.hint:
                sys.stderr.write(f"→ {error.hint}\n")
            sys.exit(1)
