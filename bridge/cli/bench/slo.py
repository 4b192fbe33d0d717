"""Service level objectives: do the figures of a benchmark meet the SLO_* settings, how good is each stage."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bridge.objectives import ObjectiveSettings

Grade = Literal["target", "acceptable", "slow"]

GRADES: Mapping[str, tuple[float, float]] = {
    "audio": (10, 20),
    "vad": (5, 10),
    "stt": (50, 100),
    "translation": (30, 50),
    "text": (40, 80),
    "tts": (80, 150),
    "after_endpoint": (200, 500),
    "first_audio": (200, 500),
}
"""Below how many ms a stage, or the whole, is as it should be, and below how many it will do."""


@dataclass(frozen=True, slots=True)
class Objective:
    """`statistic` of `figure` has to stay below the setting `field`; `at_least`: has to reach it."""

    figure: str
    statistic: str
    field: str
    at_least: bool = False

    @property
    def variable(self) -> str:
        return self.field.upper()


OBJECTIVES = (
    Objective("text_to_audio_ms", "p95", "slo_first_audio_ms"),
    Objective("after_endpoint_ms", "p95", "slo_segment_ms"),
    Objective("barge_in_ms", "p95", "slo_barge_in_ms"),
    Objective("control_ms", "p95", "slo_control_ms"),
    Objective("jitter_ms", "p95", "slo_jitter_ms"),
    Objective("drop_ratio", "p95", "slo_drop_ratio"),
    Objective("rtf", "p95", "slo_rtf"),
    Objective("sessions", "count", "slo_sessions", at_least=True),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One figure against its objective; `value` and `limit` in the figure's own unit."""

    figure: str
    objective: Objective
    value: float
    limit: float
    unit: str

    @property
    def passed(self) -> bool:
        return self.value >= self.limit if self.objective.at_least else self.value < self.limit

    def line(self) -> str:
        """`pass  jitter_ms_3 p95 8.5 ms < 10 ms (SLO_JITTER_MS)`"""
        unit = f" {self.unit}" if self.unit else ""
        sign = "≥" if self.objective.at_least else "<"
        if not self.passed:
            sign = "<" if self.objective.at_least else "≥"
        what = "" if self.objective.statistic == "count" else f" {self.objective.statistic}"
        return (
            f"{'pass' if self.passed else 'FAIL'}  {self.figure}{what} {self.value:g}{unit} {sign} "
            f"{self.limit:g}{unit} ({self.objective.variable})"
        )

    def message(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {
            "figure": self.figure,
            "statistic": self.objective.statistic,
            "value": self.value,
            "limit": self.limit,
            "variable": self.objective.variable,
            "passed": self.passed,
        }


@dataclass(frozen=True, slots=True)
class Name:
    """The parts of a figure's name: `on/first_audio_ms_16` is `first_audio_ms`, of `on`, at level 16."""

    variant: str
    figure: str
    level: int | None

    @classmethod
    def of(cls, name: str) -> Name:
        variant, _, rest = name.rpartition("/")
        matched = re.fullmatch(r"(.+?)_(\d+)", rest)
        return cls(variant, matched[1], int(matched[2])) if matched else cls(variant, rest, None)


def judge(
    figures: Mapping[str, Mapping[str, Any]], counts: Mapping[str, Any], settings: ObjectiveSettings
) -> list[Verdict]:
    """A verdict for each figure, and each count, that an objective is about; in their order."""
    return [*_of_figures(figures, settings), *_of_counts(counts, settings)]


def _of_figures(figures: Mapping[str, Mapping[str, Any]], settings: ObjectiveSettings) -> Iterator[Verdict]:
    for name, figure in figures.items():
        for objective in _about(name):
            if objective.statistic in figure:
                value, limit = float(figure[objective.statistic]), getattr(settings, objective.field)
                yield Verdict(name, objective, value, limit, figure["unit"])


def _of_counts(counts: Mapping[str, Any], settings: ObjectiveSettings) -> Iterator[Verdict]:
    for name, count in counts.items():
        for objective in _about(name):
            if objective.statistic == "count" and not isinstance(count, Mapping):
                yield Verdict(name, objective, float(count), getattr(settings, objective.field), "")


def _about(name: str) -> Iterable[Objective]:
    figure = Name.of(name).figure
    return (objective for objective in OBJECTIVES if objective.figure == figure)


def grade(name: str, ms: float) -> Grade | None:
    """How good a stage, or the whole, is that takes so long; None for what has no grades.

    `name` is that of a stage, or of a figure such as `stt_ms` or `on/first_audio_ms_16`.
    """
    bounds = GRADES.get(Name.of(name).figure.removesuffix("_ms"))
    if bounds is None:
        return None
    return "target" if ms < bounds[0] else "acceptable" if ms < bounds[1] else "slow"
