"""Figures with their samples, and the machine, commit and settings they belong to."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bridge.cli.bench.ratio import Ratio
from bridge.cli.bench.slo import Name, Verdict, grade, judge
from bridge.errors import BridgeError
from bridge.objectives import ObjectiveSettings

UNITS = {
    "kb": "kB",
    "mb": "MB",
    "rtf": "s/s",
    "ratio": "x",
    "rate": "1/s",
    "cpu": "ms/s",
    "cores": "cores",
    "us": "µs",
    "s": "s",
}
"""By the end of a figure's name, a number behind it left out; all others are milliseconds."""


WIDTH = 130
"""Columns of the widest table: behind a pipe rich takes 80 for granted, and would break its lines."""
USUAL = (50.0, 95.0, 99.0)
MOST = 10_000
"""Samples of a figure in a file; of more it has the permilles, 1 001 values from the least to the largest."""


def summary(
    samples: Sequence[float], unit: str = "ms", percentiles: Sequence[float] = USUAL
) -> dict[str, Any]:
    """{"p50", "p95", "p99", "n", "unit"} of at least one sample, by linear interpolation.

    Other `percentiles` come besides these.
    """
    wanted = sorted({*USUAL, *percentiles})
    values = np.percentile(samples, wanted)
    found = {f"p{each:g}": round(float(value), 3) for each, value in zip(wanted, values, strict=True)}
    return found | {"n": len(samples), "unit": unit}


def permille(samples: Sequence[float]) -> list[float]:
    """The least sample, those below which 0.1 %, 0.2 % ... lie, and the largest."""
    return [round(float(value), 3) for value in np.percentile(samples, np.linspace(0, 100, 1001))]


def _unit(name: str) -> str:
    return UNITS.get(Name.of(name).figure.rpartition("_")[2], "ms")


def machine() -> dict[str, Any]:
    """What a figure depends on besides the code."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def _cpu() -> str:
    with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def commit() -> str:
    """The commit of the source that runs, with `+` if it was changed; empty outside a checkout."""
    here = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return described.stdout.strip()


class Report:
    """The outcome of one benchmark; `percentiles` are those that it shows."""

    def __init__(self, name: str, settings: Mapping[str, Any], percentiles: Sequence[float] = USUAL) -> None:
        self.name = name
        self.percentiles = tuple(percentiles)
        self.settings = dict(settings)
        self.machine = machine()
        self.date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.samples: dict[str, list[float]] = {}
        self.counts: dict[str, int | dict[str, int]] = {}
        self.verdicts: list[Verdict] = []
        self.ratios: list[Ratio] = []

    def add(self, samples: Mapping[str, Sequence[float]]) -> None:
        self.samples |= {name: list(values) for name, values in samples.items()}

    def count(self, counts: Mapping[str, int | dict[str, int]]) -> None:
        """Adds what is counted and not measured, such as segments that were lost."""
        self.counts |= counts

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        return {
            name: summary(values, _unit(name), self.percentiles)
            for name, values in self.samples.items()
            if values
        }

    def judge(self, settings: ObjectiveSettings, judged: Callable[[str], bool] = lambda name: True) -> bool:
        """Whether the figures that are `judged`, by name, are within the SLO_* settings."""
        figures = {name: figure for name, figure in self.figures.items() if judged(name)}
        counts = {name: count for name, count in self.counts.items() if judged(name)}
        self.verdicts = judge(figures, counts, settings)
        return all(verdict.passed for verdict in self.verdicts)

    def show(self) -> None:
        """Prints the figures and verdicts for people, with the machine below."""
        console = Console(highlight=False, soft_wrap=True)
        console.width = max(console.width, WIDTH)
        console.print(self._table())
        for name, count in self.counts.items():
            if isinstance(count, dict):
                console.print(f"  {name}  {', '.join(f'{kind}: {n}' for kind, n in count.items()) or 'none'}")
            else:
                console.print(f"  {name}  {count}")
        if self.ratios:
            console.print(self._compared())
        for verdict in self.verdicts:
            console.print(verdict.line(), markup=False)
        here = self.machine
        console.print(
            f"{self.date}, {here['cores']} cores of {here['cpu']}, load {here['load_1m']}, commit {commit()}"
        )

    def _table(self) -> Table:
        graded = any(grade(name, 0) for name in self.samples)
        values = [*(f"p{each:g}" for each in self.percentiles), "n", "unit"]
        table = Table("figure", *values, *(["grade of p50"] if graded else []), box=None, padding=(0, 2))
        for column in table.columns[1 : len(values)]:
            column.justify = "right"
        table.columns[0].min_width = max(map(len, self.samples), default=0)
        for name, figure in self.figures.items():
            row = [str(figure[key]) for key in values]
            table.add_row(name, *row, *([grade(name, figure["p50"]) or ""] if graded else []))
        return table

    def _compared(self) -> Table:
        table = Table("p50 of", "a", "b", "b / a", "95 %", "", box=None, padding=(0, 2))
        for column in table.columns[1:5]:
            column.justify = "right"
        for each in self.ratios:
            between = f"{each.low:.3f} to {each.high:.3f}"
            table.add_row(
                each.figure, f"{each.a:g}", f"{each.b:g}", f"{each.ratio:.3f}", between, each.verdict
            )
        return table

    def write(self, path: Path) -> None:
        """Writes all of it as JSON. Raises BridgeError where the file cannot be written."""
        whole = {
            "name": self.name,
            "date": self.date,
            "commit": commit(),
            "machine": self.machine,
            "settings": self.settings,
            "figures": self.figures,
            "counts": self.counts,
            "verdicts": [verdict.message() for verdict in self.verdicts],
            "ratios": [each.message() for each in self.ratios],
            "samples": {name: values for name, values in self.samples.items() if len(values) <= MOST},
            "permille": {name: permille(v) for name, v in self.samples.items() if len(v) > MOST},
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise BridgeError(f"{path} cannot be written: {error.strerror}.", "Name another file.") from None
