"""`speechbridge bench ab`: two configurations by turns, and the ratio of what they take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.bench.outcome import MOST_SESSIONS, finish
from bridge.cli.bench.outcome import engines as engines_of

if TYPE_CHECKING:
    from bridge.cli.bench.report import Report

COMPARED = (
    *("first_audio_ms", "after_endpoint_ms", "text_to_audio_ms", "queue_ms"),
    *("stt_ms", "translation_ms", "tts_ms", "gateway_cpu", "worker_cpu"),
)


def compared(
    config_a: Path, config_b: Path, rounds: int, iterations: int, sessions: int, engines: str = ""
) -> Report:
    """Measures both by turns. Raises BridgeError for files that cannot be used, and where a stack fails."""
    from bridge.cli.bench import levels
    from bridge.cli.bench.arms import arms
    from bridge.cli.bench.ratio import ratio
    from bridge.cli.bench.report import Report
    from bridge.cli.bench.variant import variables

    variants = {"a": variables(config_a), "b": variables(config_b)}
    settings = {"rounds": rounds, "iterations": iterations, "sessions": sessions, **variants}
    report = Report("ab", settings | {"engines": engines or "in force"})
    with arms(variants, engines_of(engines) if engines else None, sessions) as stacks:
        taken = levels.turns(stacks, sessions, rounds, iterations + 1)
    for arm in stacks:
        taken[arm.name].report(report, arm, "")
    for name in COMPARED:
        pairs = zip(*(taken[arm.name].rounds(name) for arm in stacks), strict=True)
        if both := [(a, b) for a, b in pairs if a and b]:
            report.ratios.append(ratio(name, [a for a, _ in both], [b for _, b in both]))
    return report


def ab(
    config_a: Annotated[Path, typer.Option(help="Variables: KEY=value lines, or YAML.")],
    config_b: Annotated[Path, typer.Option(help="Variables of the other.")],
    rounds: Annotated[int, typer.Option(min=2, help="Turns of each.")] = 6,
    iterations: Annotated[int, typer.Option(min=2, help="Utterances of each session in a turn.")] = 5,
    sessions: Annotated[int, typer.Option(min=1, max=MOST_SESSIONS, help="Sessions that speak at once.")] = 1,
    engines: Annotated[
        str,
        typer.Option(metavar="MS,MS,MS", help="Times of simulated engines; empty: those of the files."),
    ] = "",
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """Compare two configurations in one run: two stacks at once that are measured by turns, A B B A ...

    For each figure: the medians, their ratio b / a, and the interval that holds the ratio with 95 %
    (bootstrap by pairs of turns). Variables that stand in neither file are those in force.
    """
    report = compared(config_a, config_b, rounds, iterations, sessions, engines)
    finish(report, json, judged=lambda name: False)
