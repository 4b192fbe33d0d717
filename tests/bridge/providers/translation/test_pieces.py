"""A text in parts that a model can take: nothing is lost, nothing is cut where it hurts more than it must."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.providers.translation.pieces import pieces
from bridge.text import clean, join


def texts(whole: str, limit: int = 100, language: str = "en") -> list[str]:
    """The pieces, with a token for each word."""
    return [piece.text for piece in pieces(whole, language, str.split, limit)]


def test_every_sentence_is_a_piece() -> None:
    assert texts("Good morning. How are you?  Fine!") == ["Good morning.", "How are you?", "Fine!"]


def test_nothing_gives_no_piece() -> None:
    assert texts("") == texts(" \n\0") == []


def test_a_long_sentence_is_cut_behind_the_clause_nearest_its_middle() -> None:
    assert texts("When the bus came, we were late, so we walked home.", 8) == [
        "When the bus came, we were late,",
        "so we walked home.",
    ]


def test_a_long_sentence_without_a_clause_is_cut_between_words() -> None:
    assert texts("one two three four five six", 3) == ["one two three", "four five six"]


@given(st.text(max_size=200), st.integers(1, 20))
def test_no_character_is_lost(whole: str, limit: int) -> None:
    made = pieces(whole, "en", list, limit)
    assert "".join(piece.text for piece in made).replace(" ", "") == clean(whole).replace(" ", "")
    assert all(piece.text and piece.tokens == list(piece.text) for piece in made)


@pytest.mark.parametrize(("text", "spoken"), [("…", False), ("😀", False), ("42", True), ("猫", True)])
def test_only_letters_and_digits_are_to_be_translated(text: str, spoken: bool) -> None:
    assert pieces(text, "en", str.split, 100)[0].spoken is spoken


@pytest.mark.parametrize(
    ("language", "joined"),
    [("es", "a. b."), ("ja", "a.b."), ("zh-Hant", "a.b."), ("th", "a. b."), ("ko", "a. b.")],
)
def test_sentences_are_joined_as_the_language_writes_them(language: str, joined: str) -> None:
    assert join(["a.", "b."], language) == joined
