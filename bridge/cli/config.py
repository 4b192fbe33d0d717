"""`speechbridge config show`: every variable with its value and where that comes from."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bridge.options import Options

config = typer.Typer(help="Show the configuration.", no_args_is_help=True)


@config.callback()
def _config() -> None:
    """Show the configuration."""


@config.command()
def show(
    every: Annotated[bool, typer.Option("--all", help="Also options of providers not in force.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Print each variable, its value and its source; secrets are masked."""
    from bridge.cli.variables import warn
    from bridge.options import origins
    from bridge.settings import Settings

    rows = [origin for options in _options(every) for origin in origins(options)]
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table("variable", "value", "source", box=None, pad_edge=False)
        for row in rows:
            source = f"{row.source}, as {row.alias}" if row.alias else row.source
            table.add_row(row.variable, row.value, source, style="dim" if source == "default" else "")
        Console().print(table, markup=False)
    warn(Settings.read())


def _options(every: bool) -> list[Options]:
    from bridge import providers
    from bridge.settings import Settings
    from bridge.types import STAGES

    settings = Settings.read()
    if every:
        classes = providers.option_classes()
    else:
        rows = [
            row for stage in STAGES for row in providers.chosen(stage, getattr(settings, f"{stage}_provider"))
        ]
        classes = list(dict.fromkeys(row.cls().Options for row in rows))
    return [settings, *(options.read() for options in classes)]
