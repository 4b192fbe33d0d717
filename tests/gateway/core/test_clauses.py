"""Where a clause of the stable part ends, by punctuation, or by conjunctions where an engine writes none."""

# ruff: noqa: RUF001 - Chinese has its own comma

from __future__ import annotations

import pytest

from gateway.core.clauses import last_end


def marks(text: str) -> tuple[int, ...]:
    """Each word ends 300 ms after the one before."""
    found: list[int] = []
    for number, word in enumerate(text.split(" "), 1):
        found += ((found[-2] + 1 if found else 0) + len(word), number * 300)
    return tuple(found)


def end(text: str, stable: str, language: str = "en") -> int | None:
    assert text.startswith(stable)
    return last_end(text, len(stable), marks(text), language)


def test_punctuation_ends_a_clause_when_the_next_word_is_certain() -> None:
    text = "Well, go forward ten meters, and then stop"
    assert end(text, "Well, go forward ten meters") == 300
    assert end(text, "Well, go forward ten meters, and") == 1_500
    assert end(text, "Well") is None


def test_where_an_engine_writes_none_a_last_ends_before_a_conjunction() -> None:
    text = "go forward ten meters and then stop because"
    assert end(text, "go forward ten meters") is None
    assert end(text, "go forward ten meters and") == 1_200
    assert end(text, "go forward ten meters and then stop because") == 2_100
    assert end(text, "go forward ten meters and", "fi") is None


def test_conjunctions_say_nothing_where_an_engine_writes_punctuation() -> None:
    assert end("Bread and butter, please give me", "Bread and butter, please give") == 900


@pytest.mark.parametrize("text", ["Take the 3. and more of it", "It is the U.S. and more"])
def test_points_within_numbers_and_abbreviations_end_nothing(text: str) -> None:
    assert end(text, text) is None


def test_regions_share_the_conjunctions_of_their_language() -> None:
    assert end("anda para la casa porque llueve", "anda para la casa porque", "es-419") == 1_200


def test_without_times_there_is_no_place_to_cut() -> None:
    assert last_end("Well, go on", 11, (), "en") is None


def test_chinese_clauses_end_by_their_own_marks() -> None:
    text = "我们去学校，然后回家"
    flat = tuple(n for at in range(1, len(text) + 1) for n in (at, at * 200))
    assert last_end(text, 8, flat, "zh") == 1_200
