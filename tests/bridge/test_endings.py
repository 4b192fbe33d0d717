"""What a text says of its own end: by its last mark, its last word, and by what is said later."""

# ruff: noqa: RUF001 - the marks of many scripts look alike, and that is the matter here

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bridge.endings import FILE, ending, retracted
from bridge.languages import TABLE

SENTENCES = [Path(__file__).parent.parent / "data" / f"sentences{part}.txt" for part in ("", "_unseen")]

HANGING = [
    ("en", "I saw him and the"),
    ("en", "We went there because"),
    ("en", "I think we’re"),
    ("en-GB", "This is for"),
    ("es", "Llegamos tarde porque"),
    ("es-419", "Ella vive en la"),
    ("fr", "Je pense que l’"),
    ("fr", "Il est venu avec"),
    ("de", "Wir fahren morgen mit dem Zug nach Bonn und"),
    ("de", "Ich weiß, dass"),
    ("it", "Abbiamo parlato dell'"),
    ("it", "Siamo andati a casa e"),
    ("pt", "Ele disse que"),
    ("pt-BR", "Eu moro em uma"),
    ("nl", "Ik denk dat we morgen met het"),
    ("ca", "Vaig anar a la platja amb els"),
    ("gl", "Fomos á praia coa"),
    ("pl", "Pojechaliśmy tam, ponieważ"),
    ("ru", "Мы поехали туда, потому что"),
    ("ja", "私は"),
    ("zh", "我想去但是"),
    ("ko", "저는 학교에서"),
]


@pytest.mark.parametrize(("language", "text"), HANGING)
@pytest.mark.parametrize("mark", ["", ".", ",", "…"])
def test_a_text_hangs_behind_a_word_that_ends_no_sentence_whatever_stop_was_set(
    language: str, text: str, mark: str
) -> None:
    assert ending(text + mark, language) == "hanging"


@pytest.mark.parametrize("mark", [",", ":", ";", " -", "—", "...", "…", "、", "，", "،"])
def test_a_text_hangs_at_a_mark_that_ends_no_sentence(mark: str) -> None:
    assert ending(f"We came home{mark}", "en") == "hanging"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "We came home."),
        ("en", "Did you come home?"),
        ("en", "What is it for?"),
        ("en", 'He said: "We came home."'),
        ("en", "He said, 'We came home.'"),
        ("es", "¡Ya llegamos!"),
        ("fr", "Vous venez ?"),
        ("fr", "« Oui. »"),
        ("el", "Τι κάνεις;"),
        ("ar", "هل أنت هنا؟"),
        ("hi", "मैं घर आया।"),
        ("ja", "家に帰りました。"),
        ("zh", "我回家了。"),
        (None, "We came home."),
    ],
)
def test_a_text_is_complete_at_a_mark_that_ends_a_sentence(language: str | None, text: str) -> None:
    assert ending(text, language) == "complete"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "we came home"),
        ("en", "hold on"),
        ("de", "kommst du mit"),
        ("nl", "wat is dat"),
        ("de", "Wir treffen uns am 3."),
        ("en", ""),
        ("en", " ... "),
    ],
)
def test_a_text_without_a_mark_or_whose_point_may_belong_to_a_number_tells_nothing(
    language: str, text: str
) -> None:
    assert ending(text, language) == "open"


@pytest.mark.parametrize(
    ("language", "text"), [("en", "I met Mr."), ("fr", "C'est Mme."), ("de", "Guten Tag, Hr.")]
)
def test_a_name_is_still_to_come_behind_a_title(language: str, text: str) -> None:
    assert ending(text, language) == "hanging"


def labelled() -> list[tuple[str, str]]:
    found, language = [], ""
    for file in SENTENCES:
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("== "):
                language = line[3:]
            elif line and not line.startswith("#"):
                found.append((language, line))
    return found


def test_of_500_labelled_sentences_of_many_languages_hardly_any_hangs_with_or_without_its_mark() -> None:
    sentences = [(language, text) for language, text in labelled() if not text.endswith(("...", "…"))]
    hung = [text for language, text in sentences if ending(text, language) == "hanging"]
    bare = [text for language, text in sentences if ending(text.rstrip(".!?").lower(), language) == "hanging"]
    assert len(sentences) > 500
    assert len(hung) <= 3, hung
    assert len(bare) <= 4, bare


def test_every_table_of_words_is_that_of_a_known_language_and_names_no_word_twice() -> None:
    known = {language.base for language in TABLE}
    for table in tomllib.loads(FILE.read_text(encoding="utf-8")).values():
        assert table.keys() <= known
        for language, words in table.items():
            listed = words.split()
            assert len(listed) == len(set(listed)), (language, [w for w in listed if listed.count(w) > 1])
            assert words == words.lower()


def test_a_stop_is_retracted_where_more_words_took_its_place() -> None:
    assert retracted("Please press one.", "Please press one to go on.") is True
    assert retracted("Please press one.", "please press one, then two") is True
    assert retracted("Please press one.", "Please press one. Thank you.") is False
    assert retracted("Is it you?", "Is it you? Yes.") is False


def test_nothing_is_said_of_a_stop_by_other_words_or_no_more_of_them() -> None:
    assert retracted("Please press one.", "Please press on to go.") is None
    assert retracted("Please press one.", "Please press one.") is None
    assert retracted("Please press one.", "") is None
