"""How many times as long the second of two configurations takes as the first, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

RESAMPLES = 2_000
SURE = 95.0
"""Per cent of the resampled ratios that lie within the interval."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """Medians of `a` and `b`, `ratio` of b to a, and the interval from `low` to `high` around it."""

    figure: str
    a: float
    b: float
    ratio: float
    low: float
    high: float
    n_a: int
    n_b: int

    @property
    def verdict(self) -> str:
        """Which is less, or that nothing was shown."""
        if self.high < 1:
            return "b is less"
        return "a is less" if self.low > 1 else "no difference shown"

    def message(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self) | {"verdict": self.verdict}


def ratio(figure: str, a: Sequence[Sequence[float]], b: Sequence[Sequence[float]], seed: int = 0) -> Ratio:
    """Compares the samples of two, each given by rounds that took turns, with at least one sample in each.

    Bootstrap by rounds: pairs of rounds are drawn, and within each its samples, since what the machine did
    meanwhile falls on all samples of a round. Raises ValueError where the rounds are not as many.
    """
    if len(a) != len(b) or not all(map(len, [*a, *b])):
        raise ValueError("Each round needs samples of both.")
    random = np.random.default_rng(seed)
    chosen = random.integers(len(a), size=(RESAMPLES, len(a)))
    medians_a, medians_b = (_medians(side, chosen, random) for side in (a, b))
    low, high = np.percentile(
        [_over(of_b, of_a) for of_a, of_b in zip(medians_a, medians_b, strict=True)],
        [(100 - SURE) / 2, (100 + SURE) / 2],
    )
    all_a, all_b = (np.concatenate([np.asarray(each) for each in side]) for side in (a, b))
    of_a, of_b = float(np.median(all_a)), float(np.median(all_b))
    return Ratio(
        figure,
        a=round(of_a, 4),
        b=round(of_b, 4),
        ratio=round(_over(of_b, of_a), 4),
        low=round(float(low), 4),
        high=round(float(high), 4),
        n_a=len(all_a),
        n_b=len(all_b),
    )


def _medians(
    rounds: Sequence[Sequence[float]], chosen: np.ndarray, random: np.random.Generator
) -> Sequence[float]:
    """The median of each resample: of its `chosen` rounds, as many samples as the longest round has."""
    sizes = np.array([len(each) for each in rounds])
    padded = np.zeros((len(rounds), sizes.max()))
    for row, each in enumerate(rounds):
        padded[row, : len(each)] = each
    places = (random.random((*chosen.shape, sizes.max())) * sizes[chosen][..., None]).astype(int)
    drawn = padded[chosen[..., None], places]
    return [float(each) for each in np.median(drawn.reshape(len(chosen), -1), axis=1)]


def _over(b: float, a: float) -> float:
    return b / a if a else float("inf") if b else 1.0
