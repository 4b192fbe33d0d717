"""`speechbridge bench NAME`: measures the system and writes what it saw, with the machine it saw it on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

bench = typer.Typer(help="Measure latency.", no_args_is_help=True)


@bench.callback()
def _root() -> None:
    """Keeps `bench` a group while it has one verb."""


@bench.command("latency")
def run_latency(
    iterations: Annotated[int, typer.Option(min=3, help="Utterances of each session.")] = 20,
    sessions: Annotated[int, typer.Option(min=1, max=256, help="Sessions that speak at once.")] = 1,
    chain: Annotated[
        int, typer.Option(min=0, help="Segments sent through the bare chain; 0 leaves it out.")
    ] = 200,
    real: Annotated[
        bool, typer.Option("--real", help="Use the providers in force, not simulated ones.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """Time that the system adds to its engines: the chain alone, and the whole way to the client.

    The chain: from before a segment is submitted until its third task has started, engines at 0 ms.
    The whole way: real speech in real time through the gateway; from the true end of speech to the
    arrival of the first translated sample, less endpoint and engines (simulated: 120 + 60 + 80 ms).
    """
    from bridge.cli.bench import latency as measured
    from bridge.cli.bench.report import Report

    report = Report("latency", {"iterations": iterations, "sessions": sessions, "chain": chain, "real": real})
    if chain:
        report.add(measured.chain(chain))
    report.add(measured.way(iterations, sessions, real))
    report.show()
    if json is not None:
        report.write(json)
