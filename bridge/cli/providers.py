"""`speechbridge providers`: the engines there are, and how to install those that are missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bridge.providers import Row


def providers(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """List the providers of each stage: installed or not, licence, languages, how to install."""
    from concurrent.futures import ThreadPoolExecutor

    from bridge.providers import TABLE, chosen
    from bridge.settings import Settings

    settings = Settings.read()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(describe, TABLE))
    for entry in found:
        names = [
            each.name for each in chosen(entry["stage"], getattr(settings, f"{entry['stage']}_provider"))
        ]
        entry["in_force"] = entry["provider"] in names
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        _print(found)


def describe(row: Row) -> dict[str, Any]:
    """One row as JSON-ready values. Only loading an engine tells whether it is installed."""
    from bridge.cli.probe import probe

    found = probe(row.stage, row.name, work=False)
    languages = [f"{source}→{target}" for source, target in found.pairs] or list(found.languages)
    return {
        "stage": row.stage,
        "provider": row.name,
        "about": row.about,
        "licence": row.licence,
        "installed": not found.error,
        "languages": languages,
        "error": found.error,
        "install": "" if not found.error else found.hint,
    }


def _print(found: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("stage", "provider", "installed", "licence"):
        table.add_column(heading, no_wrap=True)
    table.add_column("languages")
    for entry in found:
        languages = entry["languages"]
        shown = ", ".join(languages[:6]) + (f" and {len(languages) - 6} more" if len(languages) > 6 else "")
        name = f"{entry['provider']}{' *' if entry['in_force'] else ''}"
        installed = "yes" if entry["installed"] else "no"
        table.add_row(entry["stage"], name, installed, entry["licence"], shown)
    console = Console()
    console.print(table, markup=False)
    for entry in found:
        if not entry["installed"]:
            console.print(f"{entry['provider']}: {entry['error']}\n  → {entry['install']}", markup=False)
    console.print("* in force", markup=False)
