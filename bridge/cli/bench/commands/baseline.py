"""`speechbridge bench baseline`: what is kept to compare with before anything is tuned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.bench.outcome import engines as engines_of
from bridge.cli.bench.outcome import finish

FILE = Path("benchmarks") / "baseline.json"


def baseline(
    duration: Annotated[float, typer.Option(min=12, help="Seconds for which one session speaks.")] = 60,
    engines: Annotated[
        str,
        typer.Option(metavar="MS,MS,MS", help="Times of simulated engines; empty: the engines in force."),
    ] = "",
    json: Annotated[Path, typer.Option(help="File for the figures, with all samples.")] = FILE,
    doc: Annotated[
        Path | None, typer.Option(help="Page whose baseline is written anew, such as docs/performance.md.")
    ] = None,
) -> None:
    """What this machine does with one speaker: the first of four steps, to profile, apply and validate next.

    text_ms: from the end of speech to the arrival of its translated text. audio_rtf: time to find speech in
    a second of audio. memory_mb: gateway, workers and Redis. gpu_ratio: share of time in which the busiest
    GPU works, as nvidia-smi says, where there is one. The rest as in `bench latency`.
    """
    from bridge.cli.bench import baseline as measured

    report = measured.measured(duration, engines_of(engines) if engines else None)
    text = measured.block(report)
    typer.echo(text)
    if doc is not None:
        measured.write_block(doc, text)
    finish(report, json)
