"""`speechbridge bench overload`: its options, and what is measured with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.bench.outcome import finish, names


def overload(
    load: Annotated[
        str, typer.Option(metavar="X,...", help="Speech said, as a multiple of what the engines can do.")
    ] = "0.5,1,1.5,2",
    stage: Annotated[str, typer.Option(help="Whose engine is short: stt, translation or tts.")] = "stt",
    utterances: Annotated[int, typer.Option(min=2, help="Of each session, 4 s each.")] = 6,
    lateness_ms: Annotated[int, typer.Option(min=500, help="LATENESS_MS while it runs.")] = 3_000,
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """How late speech is heard, and what is left out, where more is said than the engines can do.

    Simulated engines, one of which is short; sessions speak real speech in real time, from a process of
    their own. Each load without SHED, with it, and (above 1) with it where the gateway knows how many it has
    room for and refuses the others. lateness: from the true end of speech to its first sound, of what was
    heard. The number behind a name is the load in percent.
    """
    from bridge.cli.bench import overload as measured
    from bridge.cli.bench.report import Report
    from bridge.types import STAGES

    found = next((known for known in STAGES if known == stage), None)
    if found is None:
        raise typer.BadParameter(f"{stage}; use {', '.join(STAGES)}", param_hint="--stage")
    loads = sorted(factors(load, "--load"))
    report = Report(
        "overload",
        {"load": load, "stage": stage, "utterances": utterances, "lateness_ms": lateness_ms},
    )
    measured.measure(report, loads, found, utterances, lateness_ms)
    finish(report, json)


def factors(listed: str, option: str) -> list[float]:
    """The factors in a list such as 0.5,1,1.5. Raises typer.BadParameter for anything else."""
    try:
        found = [float(name) for name in names(listed)]
    except ValueError:
        found = []
    if not found or not all(0.1 <= factor <= 5 for factor in found):
        raise typer.BadParameter(
            f"{listed} is no list of numbers from 0.1 to 5; write for example 0.5,1,1.5", param_hint=option
        )
    return found
