"""What is taken for a failed translation, and what is not although it looks odd."""

from __future__ import annotations

import pytest

from bridge.providers.translation.guard import Doubt, doubt, repetitions


def of(source: str, made: str, *, finished: bool = True) -> Doubt | None:
    return doubt(source.split(), made.split(), finished=finished)


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("", 1),
        ("one", 1),
        ("one two three", 1),
        ("no no", 2),
        ("very very very good", 3),
        ("a b a b a b", 3),
        ("x a b c a b c a b", 2),
        ("go to the store and the store and the store and", 3),
        ("1 000 000 000 000", 1),
        (". . . . .", 1),
    ],
)
def test_repetitions_counts_how_often_a_phrase_follows_itself(text: str, times: int) -> None:
    assert repetitions(text.split()) == times


def test_a_long_phrase_said_thirty_times_is_a_loop() -> None:
    phrase = " ".join(f"word{i}" for i in range(24))
    assert of(phrase, f"{phrase} " * 30, finished=False) is Doubt.LOOP


def test_a_loop_behind_a_good_beginning_is_one() -> None:
    assert of("I would like to go home now please", "quisiera ir a casa" + " ya" * 9) is Doubt.LOOP


def test_what_the_source_repeats_is_no_loop() -> None:
    assert of("no no no no", "no no no no") is None
    assert of("ha ha ha ha ha", "ja ja ja ja ja ja") is None


def test_a_sentence_is_no_loop_for_saying_very_three_times() -> None:
    assert of("extremely good", "muy muy muy bueno") is None


@pytest.mark.parametrize("made", ["", ".", "<unk> <unk>", "¿ ?"])
def test_an_answer_without_a_word_is_empty(made: str) -> None:
    assert of("hello there", made) is Doubt.EMPTY


def test_a_number_is_an_answer() -> None:
    assert of("forty two", "42") is None


def test_an_answer_at_the_limit_is_cut_or_endless_by_its_length() -> None:
    words = " ".join(f"w{i}" for i in range(40))
    assert of(words, words, finished=False) is Doubt.CUT
    assert of("one two", words, finished=False) is Doubt.ENDLESS


def test_an_answer_much_shorter_than_its_source_has_lost_something() -> None:
    words = [f"w{i}" for i in range(23)]
    assert of(" ".join(words[:22]), "uno dos tres cuatro") is None
    assert of(" ".join(words), "uno dos tres cuatro") is Doubt.LOST


def test_an_answer_much_longer_than_its_source_is_doubted() -> None:
    words = [f"w{i}" for i in range(17)]
    assert of("one two", " ".join(words[:16])) is None
    assert of("one two", " ".join(words)) is Doubt.LONG
