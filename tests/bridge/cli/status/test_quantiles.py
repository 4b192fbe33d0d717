"""Quantiles of histograms: the cases of histogram_quantile in Prometheus' own tests and documentation."""

from __future__ import annotations

import math

import pytest

from bridge.cli.status.quantiles import beyond, quantile

INF = math.inf
FIVE = [(0.1, 5.0), (0.2, 7.0), (1.0, 10.0), (INF, 10.0)]


@pytest.mark.parametrize(
    ("share", "value"),
    [(0.0, 0.0), (0.25, 0.05), (0.5, 0.1), (0.6, 0.15), (0.7, 0.2), (0.85, 0.6), (1.0, 1.0)],
)
def test_a_quantile_lies_in_its_bucket_as_if_values_were_spread_evenly(share: float, value: float) -> None:
    assert quantile(share, FIVE) == pytest.approx(value)


def test_beyond_the_last_finite_edge_it_is_that_edge() -> None:
    assert quantile(0.99, [(1.0, 1.0), (2.0, 2.0), (INF, 100.0)]) == 2.0


def test_below_a_first_edge_that_is_not_positive_it_is_that_edge() -> None:
    assert quantile(0.1, [(-1.0, 5.0), (1.0, 5.0), (INF, 5.0)]) == -1.0


@pytest.mark.parametrize("buckets", [[], [(INF, 4.0)], [(1.0, 4.0), (2.0, 5.0)], [(1.0, 0.0), (INF, 0.0)]])
def test_without_values_or_without_an_infinite_edge_there_is_none(buckets: list[tuple[float, float]]) -> None:
    assert quantile(0.5, buckets) is None


def test_dips_of_buckets_that_only_some_processes_have_are_smoothed() -> None:
    assert quantile(0.75, [(0.1, 4.0), (0.2, 2.0), (0.4, 8.0), (INF, 8.0)]) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("bound", "many"), [(0.0, 10), (0.05, 7.5), (0.1, 5), (0.2, 3), (0.6, 1.5), (1.0, 0), (5.0, 0)]
)
def test_how_many_lie_beyond_a_bound(bound: float, many: float) -> None:
    assert beyond(bound, FIVE) == pytest.approx(many)


def test_beyond_the_last_finite_edge_all_of_the_last_bucket_may_lie() -> None:
    assert beyond(5.0, [(1.0, 4.0), (INF, 10.0)]) == 6
    assert beyond(1.0, []) == 0
