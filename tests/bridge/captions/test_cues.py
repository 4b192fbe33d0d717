"""Cues that a viewer can follow: the golden vectors that the page's tests run too, and what always holds."""

# ruff: noqa: RUF001 - the marks of many scripts look alike, and that is the matter here

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import budoux
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.captions import Cue, Said, cues
from bridge.captions.breaks import CLOSING, LINE, model_of, parts, units
from bridge.captions.cues import LATE_MS, LEAST_MS

ROOT = Path(__file__).parents[3]
GOLDEN = json.loads((ROOT / "tests/data/cue_vectors.json").read_text("utf-8"))
PHRASES = ROOT / "gateway/web/session/phrases"

WORDS = {
    "en": ["a", "I", "so,", "well.", "then", "nobody", "understood;", "incomprehensibilities", "“Go!”", "–"],
    "fr": ["oui", "!", "« non »", "?", "aujourd'hui", "quelqu'un", ":", "anticonstitutionnellement"],
    "ja": ["今日は", "天気が", "いいので、", "散歩に", "行きましょう。", "「とても」", "ちょっと", "OK!"],
    "zh": ["我们", "今天在这里", "讨论的问题是，", "翻译。", "（质量）", "3.5", "！"],
    "th": ["วันนี้", "อากาศดี", "มาก", "เราไป", "เดินเล่น", " "],
}


@st.composite
def speech(draw: st.DrawFn) -> list[Said]:
    """Segments of random length, distance and text, in one language, which may overlap a little."""
    language = draw(st.sampled_from(sorted(WORDS)))
    join = " " if language in ("en", "fr") else ""
    said, at = [], 0.0
    for _ in range(draw(st.integers(1, 12))):
        at += draw(st.floats(-300, 4_000))
        length = draw(st.floats(0, 12_000))
        words = draw(st.lists(st.sampled_from(WORDS[language]), max_size=40))
        said.append(Said(max(at, 0), max(at, 0) + length, join.join(words), language))
        at += length
    return said


EFFORT = settings(max_examples=60, deadline=None)


@pytest.mark.parametrize("vector", GOLDEN, ids=[vector["name"] for vector in GOLDEN])
def test_golden_vectors_give_the_cues_of_the_page(vector: dict[str, Any]) -> None:
    shown = cues(Said(**each) for each in vector["said"])
    assert shown == [Cue(each["start_ms"], each["end_ms"], tuple(each["lines"])) for each in vector["cues"]]


@EFFORT
@given(speech())
def test_cues_never_overlap_last_a_second_and_begin_no_sooner_than_their_speech(said: list[Said]) -> None:
    shown = cues(said)
    assert all(one.end_ms <= two.start_ms for one, two in pairwise(shown))
    assert all(cue.end_ms - cue.start_ms >= LEAST_MS for cue in shown)
    begun = [each.start_ms for each in said if each.text.strip()]
    assert not shown or shown[0].start_ms >= round(min(begun)) - 1


@EFFORT
@given(speech())
def test_a_cue_is_read_at_17_characters_a_second_unless_the_next_one_follows_at_once(
    said: list[Said],
) -> None:
    shown = cues(said)
    for cue, following in pairwise([*shown, None]):
        assert cue is not None
        rate = sum(map(len, cue.lines)) * 1000 / (cue.end_ms - cue.start_ms)
        assert rate <= 17 or (following is not None and following.start_ms == cue.end_ms)


@EFFORT
@given(speech())
def test_every_word_is_shown_once_and_in_order(said: list[Said]) -> None:
    shown = "".join(line for cue in cues(said) for line in cue.lines)
    assert shown.replace(" ", "") == "".join(each.text for each in said).replace(" ", "")


@EFFORT
@given(speech())
def test_a_cue_has_two_lines_at_most_that_fit_and_begin_with_no_closing_punctuation(
    said: list[Said],
) -> None:
    for cue in cues(said):
        assert 1 <= len(cue.lines) <= 2
        assert all(line and line == line.strip() and units(line) <= LINE for line in cue.lines)
        heads = [line for line in cue.lines if CLOSING.match(line)]
        texts = {each.text.strip()[:1] for each in said}
        assert not heads or {head[0] for head in heads} <= texts  # said so: its first character is one


def test_a_full_width_line_holds_20_characters_and_a_latin_one_42() -> None:
    assert units("天" * 20) == units("한" * 20) == units("a" * 42) == LINE


def test_a_hurried_cue_may_make_the_next_one_half_a_second_late_and_no_more() -> None:
    hasty = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen."
    long = "fifteen sixteen seventeen eighteen nineteen twenty twenty-one twenty-two twenty-three."
    first, second = cues([Said(0, 2_000, hasty, "en"), Said(2_000, 9_000, long, "en")])[:2]
    assert (first.start_ms, first.end_ms, second.start_ms) == (0, 2_000 + LATE_MS, 2_000 + LATE_MS)


def test_ten_thousand_characters_without_a_space_or_full_stop_are_cut_and_all_shown() -> None:
    assert sum(len(line) for cue in cues([Said(0, 9, "x" * 10_000, "en")]) for line in cue.lines) == 10_000


def test_the_page_has_the_same_models_as_the_library() -> None:
    names = ["ja", "th", "zh-hans", "zh-hant"]
    assert sorted(path.stem for path in PHRASES.iterdir()) == names
    for name in names:
        library = Path(budoux.__file__).parent / "models" / f"{name}.json"
        assert (PHRASES / f"{name}.json").read_bytes() == library.read_bytes()


def test_the_model_of_a_language_is_found_by_its_tag() -> None:
    assert [model_of(tag) for tag in ("ja-JP", "th", "zh", "zh-Hant", "zh-HK", "yue", "cmn-Hans", "ko")] == [
        "ja",
        "th",
        "zh-hans",
        *["zh-hant"] * 3,
        "zh-hans",
        None,
    ]


def test_a_word_of_a_spaceless_script_is_not_torn_where_its_model_is_known() -> None:
    assert parts("公園へ散歩に行きましょう。", "ja") == ["公園へ", "散歩に", "行きましょう。"]
    assert "".join(parts("วันนี้อากาศดีมาก", "th")) == "วันนี้อากาศดีมาก"
