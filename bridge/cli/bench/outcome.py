"""What the commands of `bench` share: how their options are read, and how they end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bridge.cli.bench.report import Report

MOST_SESSIONS = 512
LONGEST_MS = 60_000


def finish(report: Report, json: Path | None, judged: Callable[[str], bool] = lambda name: True) -> None:
    """Prints the report, writes it to `json`, and ends with 1 where a figure misses its objective.

    `judged` tells by its name whether a figure or count has to meet the SLO_* settings.
    """
    from bridge.settings import Settings

    met = report.judge(Settings.read(), judged)
    report.show()
    if json is not None:
        report.write(json)
    if not met:
        raise typer.Exit(1)


def numbers(listed: str, option: str = "--sessions") -> list[int]:
    """The numbers in a list such as 1,16,64. Raises typer.BadParameter for anything else."""
    found = [int(name) if name.isdigit() else 0 for name in names(listed)]
    if not all(1 <= number <= MOST_SESSIONS for number in found):
        raise typer.BadParameter(
            f"{listed} is no list of numbers from 1 to {MOST_SESSIONS}; write for example 1,16,64",
            param_hint=option,
        )
    return found


def percentiles(listed: str) -> tuple[float, ...]:
    """The percentiles in a list such as 50,95,99.9. Raises typer.BadParameter for anything else."""
    try:
        found = tuple(sorted(float(name) for name in names(listed)))
    except ValueError:
        found = ()
    if not found or not all(0 < each < 100 for each in found):
        raise typer.BadParameter(
            f"{listed} is no list of percentiles; write for example 50,95,99", param_hint="--percentiles"
        )
    return found


def engines(listed: str) -> Mapping[str, int]:
    """The ms of each stage in 120,60,80. Raises typer.BadParameter for anything else."""
    from bridge.types import STAGES

    parts = names(listed)
    found = [int(part) if part.isdigit() else -1 for part in parts]
    if len(found) != len(STAGES) or not all(0 <= ms <= LONGEST_MS for ms in found):
        raise typer.BadParameter(
            f"{listed}; give the milliseconds of {', '.join(STAGES)}: 120,60,80", param_hint="--engines"
        )
    return dict(zip(STAGES, found, strict=True))


def names(listed: str) -> list[str]:
    """What stands between the commas."""
    return [name.strip() for name in listed.split(",") if name.strip()]
