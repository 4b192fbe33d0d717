"""First audio latency, and barge-in: `speechbridge bench latency` and `bench barge-in` under one name.

python scripts/benchmark-latency.py --iterations 100 --worker http://localhost:8000 --percentiles 50,95,99
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import typer

from bridge.cli import app
from bridge.cli.bench.commands.latency import Wish, measured
from bridge.cli.bench.outcome import finish, percentiles
from bridge.cli.bench.report import Report
from bridge.errors import BridgeError

FIGURES = {
    "FAL": "text_to_audio_ms",
    "First audio": "first_audio_ms",
    "Without endpoint": "after_endpoint_ms",
}


def main() -> None:
    """Prints the percentiles and verdicts; the exit status is 1 where an objective is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--worker", default="", metavar="URL", help="a gateway; without it one is started")
    parser.add_argument("--percentiles", default="50,95,99")
    parser.add_argument("--barge-in", action="store_true", help="barge-in instead of first audio")
    parser.add_argument("--json", type=Path, help="file for the figures, with all samples")
    given = parser.parse_args()
    if given.barge_in:
        file = ["--json", str(given.json)] if given.json else []
        app(["bench", "barge-in", "--iterations", str(given.iterations), *file])
    wanted = percentiles(given.percentiles)
    report = measured(Wish(given.iterations, url=given.worker, percentiles=wanted))
    for line in lines(report):
        typer.echo(line)
    finish(report, given.json)


def lines(report: Report) -> list[str]:
    """One for each figure: `FAL p50: 180ms, p95: 250ms, p99: 310ms`."""
    told = []
    for label, name in FIGURES.items():
        figure = report.figures[name]
        names = [f"p{each:g}" for each in report.percentiles]
        told.append(f"{label} {', '.join(f'{each}: {figure[each]:.0f}ms' for each in names)}")
    return told


if __name__ == "__main__":
    try:
        main()
    except typer.Exit as end:
        sys.exit(end.exit_code)
    except (BridgeError, typer.BadParameter) as error:
        sys.exit(str(error))
