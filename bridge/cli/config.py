"""`speechbridge config show`: every variable with its value and where that comes from."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bridge.settings import Options

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
    from bridge.settings import origins

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
    warn_of_unknown()


def warn_of_unknown() -> None:
    """One line on stderr for each variable that looks like ours and has no effect."""
    for sentence in unknown_variables():
        sys.stderr.write(f"warning: {sentence}\n")


def unknown_variables() -> list[str]:
    """A sentence for each variable in `.env`, preset or environment that we do not know."""
    from bridge.providers import option_classes
    from bridge.settings import Settings, unknown, variables

    classes: list[type[Options]] = [Settings, *option_classes()]
    return unknown(name for options in classes for name in variables(options))


def _options(every: bool) -> list[Options]:
    from bridge import providers
    from bridge.settings import Settings
    from bridge.types import STAGES

    settings = Settings.read()
    if every:
        classes = providers.option_classes()
    else:
        rows = [providers.row(stage, getattr(settings, f"{stage}_provider")) for stage in STAGES]
        classes = list(dict.fromkeys(row.cls().Options for row in rows))
    return [settings, *(options.read() for options in classes)]
