"""The picture of latency against sessions, drawn by matplotlib where it is installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bridge.cli.bench.report import Report
from bridge.cli.bench.slo import Name
from bridge.errors import BridgeError
from bridge.extras import install

SHOWN = ("first_audio_ms", "after_endpoint_ms")
STATISTICS = ("p50", "p95", "p99")
STYLES = {"p50": "-", "p95": "--", "p99": ":"}

Lines = Mapping[tuple[str, str, str], Sequence[tuple[int, float]]]


def prepare(path: Path) -> None:
    """Raises BridgeError where nothing could be drawn, before anything is measured."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise BridgeError(
            "matplotlib is not installed, which draws the picture.", f"Run: {install('bench')}"
        ) from None
    if not path.suffix:
        raise BridgeError(f"{path} does not say by its name which kind of picture it is.", "Call it x.png.")


def lines(figures: Mapping[str, Mapping[str, Any]]) -> Lines:
    """Points (sessions, ms) by variant, figure and statistic, with growing numbers of sessions."""
    found: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
    for variant, figure, level, values in _shown(figures):
        for statistic in STATISTICS:
            found.setdefault((variant, figure, statistic), []).append((level, values[statistic]))
    return {key: sorted(points) for key, points in found.items()}


def _shown(figures: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, int, Mapping[str, Any]]]:
    for full, values in figures.items():
        name = Name.of(full)
        if name.figure in SHOWN:
            yield name.variant, name.figure, name.level or 1, values


def draw(report: Report, path: Path) -> None:
    """Writes the picture. Raises BridgeError where the file cannot be written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = lines(report.figures)
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colours = {key: f"C{at}" for at, key in enumerate(dict.fromkeys(key[:2] for key in drawn))}
    for (variant, name, statistic), points in drawn.items():
        label = " ".join(
            filter(None, (name.removesuffix("_ms"), f"({variant})" if variant else "", statistic))
        )
        sessions, ms = zip(*points, strict=True)
        axes.plot(sessions, ms, STYLES[statistic], color=colours[variant, name], marker="o", label=label)
    axes.set_xscale("log", base=2)
    levels = sorted({level for points in drawn.values() for level, _ in points})
    axes.set_xticks(levels, [str(level) for level in levels])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("sessions that speak at once")
    axes.set_ylabel("ms from the end of speech to the first sound")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    here = report.machine
    axes.set_title(f"{here['cores']} cores of {here['cpu']}, {report.date}", fontsize="small")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise BridgeError(f"{path} cannot be written: {error}.", "Name another file.") from None
