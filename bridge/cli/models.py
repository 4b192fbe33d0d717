"""`speechbridge models`: what is downloaded, from where, under which licence; downloads and deletes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bridge.models.hub import Progress

models = typer.Typer(help="List, download and delete the models of the neural engines.", no_args_is_help=True)


class Kind(StrEnum):
    """The engines that have models, as `bridge.models.catalogue` names them."""

    WHISPER = "whisper"
    NLLB = "nllb"
    NLLB_TRANSFORMERS = "nllb-transformers"
    PIPER = "piper"
    KOKORO = "kokoro"
    COQUI = "coqui"


KindArgument = Annotated[Kind, typer.Argument(help="The engine.")]
NameArgument = Annotated[
    str,
    typer.Argument(help="small, nllb-200-distilled-600M, es_ES-davefx-medium, v1.0, or OWNER/REPOSITORY."),
]


@models.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """List the models on this disk with their sizes and licences."""
    from bridge.models import library

    found = library.pulled()
    if as_json:
        typer.echo(json.dumps([asdict(entry) for entry in found], indent=2))
    elif not found:
        typer.echo(f"No models in {library.folder()}. Try: speechbridge models pull whisper base")
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table("kind", "name", "size", "licence", "from", box=None, pad_edge=False)
        for entry in found:
            size = f"{entry.bytes / 1e6:,.1f} MB"
            table.add_row(entry.kind, entry.name, size, entry.licence, entry.source)
        Console().print(table, markup=False)


@models.command()
def pull(kind: KindArgument, name: NameArgument) -> None:
    """Download a model; a pull that was interrupted goes on where it ended."""
    from bridge.models import library

    with _progress() as on_progress:
        entry = library.pull(kind.value, name, on_progress)
    typer.echo(
        f"{entry.kind} {entry.name}: {entry.bytes / 1e6:,.1f} MB in {entry.path}, licence {entry.licence}"
    )


@models.command()
def remove(kind: KindArgument, name: NameArgument) -> None:
    """Delete a model and what an interrupted pull left of it."""
    from bridge.models import library

    freed = library.remove(kind.value, name)
    typer.echo(f"{kind} {name} is removed, {freed / 1e6:,.1f} MB are free again")


@contextmanager
def _progress() -> Iterator[Progress]:
    """One bar over all files on stderr; on no terminal a line for each file."""
    if not sys.stderr.isatty():
        seen: set[str] = set()

        def line(name: str, done: int, total: int) -> None:
            if name not in seen:
                seen.add(name)
                sys.stderr.write(f"{name}, {done / 1e6:,.1f} of {total / 1e6:,.1f} MB are here\n")

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress("{task.description}", *columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("asking the hub", total=None)
        yield lambda name, done, total: bar.update(task, description=name, completed=done, total=total)
