"""`speechbridge providers`: the engines there are, and how to install those that are missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bridge.providers import Row


def providers(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """List the providers of each stage: whether they can be had here, licence, languages, price, needs."""
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
        entry["place"] = names.index(entry["provider"]) + 1 if entry["in_force"] else None
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
        "kind": row.kind,
        "key": row.key,
        "licence": row.licence,
        "dollars_per_minute": _dollars(row),
        "installed": not found.error,
        "languages": languages,
        "error": found.error,
        "install": "" if not found.error else found.hint,
    }


def _dollars(row: Row) -> float | None:
    """About what a minute costs with the options in force; None where it is free, or not known."""
    from bridge.errors import SettingsError
    from bridge.prices import per_minute
    from bridge.providers import billed

    try:
        return per_minute(row.stage, row.name, billed(row.stage, row.name))
    except SettingsError:
        return None  # `error` tells of it


def _print(found: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    from bridge.prices import CHARACTERS_A_MINUTE

    table = Table(box=None, pad_edge=False)
    for heading in ("stage", "provider", "here", "runs"):
        table.add_column(heading, no_wrap=True)
    table.add_column("languages", justify="right", no_wrap=True)
    table.add_column("licence")
    for entry in found:
        count = str(len(entry["languages"]) or "")
        mark = f" *{entry['place']}" if entry["in_force"] else ""
        name = f"{entry['provider']}{mark}"
        table.add_row(entry["stage"], name, _here(entry), entry["kind"], count, entry["licence"])
    console = Console()
    console.print(table, markup=False)
    for entry in found:
        if not entry["installed"]:
            console.print(f"{entry['provider']}: {entry['error']}\n  → {entry['install']}", markup=False)
    costs = [
        f"{entry['stage']} {entry['provider']} {entry['dollars_per_minute']:.4f}"
        for entry in found
        if entry["dollars_per_minute"]
    ]
    said = f"Dollars for a minute of speech of {CHARACTERS_A_MINUTE} characters, about: {', '.join(costs)}"
    console.print(f"{said} (docs/providers.md)", markup=False)
    console.print("*1 in force, the first that is asked; *2 the second ...", markup=False)


def _here(entry: dict[str, Any]) -> str:
    """Whether it can be had, in a word or two."""
    if entry["installed"]:
        return "yes"
    return "no key" if entry["key"] and entry["error"].startswith(f"{entry['key']} ") else "no"
