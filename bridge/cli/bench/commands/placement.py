"""`speechbridge bench placement`: its options, and what is measured with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.bench.outcome import finish, numbers

FILE = Path("benchmarks") / "placement.json"


def placement(
    sessions: Annotated[
        str, typer.Option(metavar="N,...", help="Sessions that speak at once, one number after the other.")
    ] = "4,8,12",
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each strategy.")] = 4,
    utterances: Annotated[int, typer.Option(min=3, help="Of each session in a turn, 4 s each.")] = 6,
    slower: Annotated[
        float, typer.Option(min=1, max=20, help="How many times slower the second device is.")
    ] = 4,
    json: Annotated[Path, typer.Option(help="File for the figures, with all samples.")] = FILE,
    doc: Annotated[
        Path | None, typer.Option(help="Page whose table is written anew, such as docs/performance.md.")
    ] = None,
) -> None:
    """How soon speech is heard under each LOAD_BALANCE_STRATEGY, with two devices of unequal speed.

    Simulated engines, one piece at a time on each device: 300, 150 and 200 ms on the first. Four stacks at
    once, one of them under load at a time, by turns; sessions speak real speech in real time, from a process
    of their own (open loop). first_audio_ms: from the true end of speech; slow_percent: share of the work
    that the second device got. The simulated engines name no models: `resident` is `least_loaded` with them.
    """
    from bridge.cli.bench import placement as measured
    from bridge.cli.bench.baseline import write_block
    from bridge.cli.bench.report import Report

    found = numbers(sessions)
    if not found:
        raise typer.BadParameter("name at least one number, such as 4,8", param_hint="--sessions")
    settings = {"sessions": sessions, "rounds": rounds, "utterances": utterances, "slower": slower}
    report = Report("placement", settings | {"engines": measured.FAST_MS})
    measured.measure(report, found, rounds, utterances, slower)
    text = measured.block(report, found)
    typer.echo(text)
    if doc is not None:
        write_block(doc, text, measured.BEGINNING, measured.ENDING)
    finish(report, json, judged=lambda name: False)
