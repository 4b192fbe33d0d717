"""`speechbridge bench stage`: one engine by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bridge.cli.bench.outcome import finish
from bridge.cli.bench.outcome import percentiles as percentiles_of


def stage(
    name: Annotated[Literal["stt", "translation", "tts"], typer.Argument(help="Whose engine in force.")],
    iterations: Annotated[int, typer.Option(min=1, help="Calls, one after the other.")] = 100,
    percentiles: Annotated[str, typer.Option(metavar="P,...", help="Columns of the table.")] = "50,95,99",
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """How long the engine of a stage takes by itself, on a recording or a sentence; tts to its first sound.

    No queue, no gateway, no cache: what is left of a segment's time is theirs.
    """
    from bridge.cli.bench import stage as measured
    from bridge.cli.bench.report import Report

    report = Report("stage", {"stage": name, "iterations": iterations}, percentiles_of(percentiles))
    report.add(measured.measured(name, iterations))
    finish(report, json)
