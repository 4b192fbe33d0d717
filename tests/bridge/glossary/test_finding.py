"""Which words of a text are terms."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.glossary.finding import Finder


def said(text: str, *terms: str, language: str = "en") -> list[str]:
    return [found.said for found in Finder({term: "x" for term in terms}, language).find(text)]


@pytest.mark.parametrize(
    ("text", "terms", "found"),
    [
        ("ADA LOVELACE and ada  lovelace", ("Ada Lovelace",), ["ADA LOVELACE", "ada  lovelace"]),
        ("the night watch of the night", ("night", "night watch"), ["night watch", "night"]),
        ("the night watches", ("night", "night watch"), ["night"]),
        ("Redisson is no Redis.", ("redis",), ["Redis"]),
        ("Lovelace's and Lovelace-style", ("Lovelace",), ["Lovelace", "Lovelace"]),
        ("it is IT", ("IT",), ["IT"]),
        ("O\u2019Brien and O'Brien", ("O'Brien",), ["O\u2019Brien", "O'Brien"]),
        ("C++ and C", ("C++",), ["C++"]),
        ("Größe, GRÖSSE, größer", ("größe",), ["Größe"]),
        ("ÉCOLE école écoles", ("École",), ["ÉCOLE", "école"]),
        ("a.b and axb", ("a.b",), ["a.b"]),
        ("istanbul İSTANBUL", ("İstanbul",), ["istanbul", "İSTANBUL"]),
        ("nothing", (), []),
    ],
)
def test_terms_are_whole_words_the_longest_first_in_any_case_but_for_acronyms(
    text: str, terms: tuple[str, ...], found: list[str]
) -> None:
    assert said(text, *terms) == found


def test_a_vowel_sign_is_a_part_of_the_word() -> None:
    assert said("दिल्ली दिल", "दिल", language="hi") == ["दिल"]
    assert [found.start for found in Finder({"दिल": "x"}, "hi").find("दिल्ली दिल")] == [7]


def test_where_no_space_ends_a_word_a_term_is_found_within_others() -> None:
    assert said("我在北京大学学习", "北京大学", "北京", language="zh") == ["北京大学"]
    assert said("김민수가 왔다", "김민수", language="ko") == ["김민수"]
    assert said("ITエンジニアとITEMです", "IT", language="ja") == ["IT"]


@given(st.text(max_size=60), st.lists(st.text("abcÄ 'ß", min_size=1, max_size=6), max_size=5))
def test_whatever_is_found_stands_there_and_overlaps_nothing(text: str, terms: list[str]) -> None:
    terms = [term for term in terms if term.strip(" '")]
    found = Finder(dict.fromkeys(terms, "x"), "en").find(text)
    assert all(text[each.start : each.end] == each.said for each in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
