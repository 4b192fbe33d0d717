"""Quantiles of histograms, as Prometheus' histogram_quantile finds them."""

from __future__ import annotations

import math
from collections.abc import Sequence

Buckets = Sequence[tuple[float, float]]
"""Upper edges in their order, the last one infinite, and how many lie at or below each."""


def quantile(share: float, buckets: Buckets) -> float | None:
    """The value below which `share` of all lie, None where there are none.

    It lies within its bucket as if they were spread evenly there; beyond the last finite edge it is that.
    """
    edges = _rising(buckets)
    if len(edges) < 2 or not math.isinf(edges[-1][0]) or edges[-1][1] <= 0:
        return None
    rank = share * edges[-1][1]
    at = next(number for number, (_, below) in enumerate(edges) if below >= rank)
    if at == len(edges) - 1:
        return edges[-2][0]
    upper, below = edges[at]
    if at == 0:
        return upper if upper <= 0 else upper * rank / below
    lower, before = edges[at - 1]
    return lower + (upper - lower) * (rank - before) / (below - before)


def beyond(bound: float, buckets: Buckets) -> float:
    """How many are greater than `bound`, by the same assumption."""
    edges = _rising(buckets)
    if not edges:
        return 0.0
    lower, before, many = 0.0, 0.0, edges[-1][1]
    for upper, below in edges:
        if bound <= upper:
            share = 1.0 if math.isinf(upper) or upper == lower else (bound - lower) / (upper - lower)
            share = 0.0 if math.isinf(upper) else share
            return max(0.0, many - before - (below - before) * share)
        lower, before = upper, below
    return 0.0


def _rising(buckets: Buckets) -> list[tuple[float, float]]:
    """Without the dips that come of adding processes whose edges differ."""
    most, rising = 0.0, []
    for edge, below in buckets:
        most = max(most, below)
        rising.append((edge, most))
    return rising
