"""Which of two languages was spoken: cases, and what holds for all of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.providers.stt.detection import MARGIN, spoken

PAIR = ("en", "es")
PROBABILITY = st.floats(0, 1)


@pytest.mark.parametrize(
    ("english", "spanish", "prior", "found"),
    [
        (0.9, 0.1, None, "en"),
        (0.1, 0.9, None, "es"),
        (0.5, 0.5, None, "en"),
        (0.4, 0.6, "en", "en"),
        (0.26, 0.74, "en", "en"),
        (0.24, 0.76, "en", "es"),
        (0.6, 0.4, "es", "es"),
        (0.76, 0.24, "es", "en"),
        (0.9, 0.1, "fr", "en"),
        (0.001, 0.009, "en", "es"),
        (0.0, 0.0, "es", "es"),
    ],
)
def test_another_language_must_be_clearly_likelier_than_the_one_before(
    english: float, spanish: float, prior: str | None, found: str
) -> None:
    assert spoken({"en": english, "es": spanish, "fr": 1.0}, PAIR, prior) == found


def test_a_language_that_the_engine_does_not_rank_is_held_for_impossible() -> None:
    assert spoken({"fr": 0.9, "es": 0.1}, PAIR) == "es"
    assert spoken({"fr": 1.0}, PAIR, "es") == "es"


@settings(max_examples=100, deadline=None)
@given(english=PROBABILITY, spanish=PROBABILITY, others=PROBABILITY, prior=st.sampled_from([None, *PAIR]))
def test_one_of_the_two_is_found_whatever_else_is_likelier(
    english: float, spanish: float, others: float, prior: str | None
) -> None:
    found = spoken({"en": english, "es": spanish, "fr": others}, PAIR, prior)

    assert found in PAIR
    assert found == spoken({"en": english, "es": spanish}, PAIR, prior)


@settings(max_examples=100, deadline=None)
@given(share=PROBABILITY)
def test_what_was_found_once_is_found_again(share: float) -> None:
    """No segment flips the language twice: with what it found as the one before, it finds the same."""
    likely = {"en": share, "es": 1 - share}

    for prior in (None, *PAIR):
        found = spoken(likely, PAIR, prior)
        assert spoken(likely, PAIR, found) == found


@settings(max_examples=100, deadline=None)
@given(share=st.floats(0.5 - MARGIN + 1e-6, 0.5 + MARGIN - 1e-6))
def test_a_doubtful_segment_stays_with_whatever_was_spoken_before(share: float) -> None:
    for prior in PAIR:
        assert spoken({"en": share, "es": 1 - share}, PAIR, prior) == prior
