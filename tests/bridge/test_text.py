"""Sentences are what engines translate and speak: nothing may be lost, and no abbreviation may cut one."""

# ruff: noqa: RUF001 - the marks of many scripts look alike, and that is the matter here

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.text import clauses, clean, halves, opening, parts, sentences

MARKS = st.sampled_from(
    [
        *" \n\t.!?…;\"'()«»“”„-*。！？」؟۔।։።။។;",
        "Dr.",
        "U.S.",
        "3.",
        "é",
        "我",
        "a",
        "Я",
        "so.",
        "Nr.",
        "II",
        "–",
    ]
)
WRITING = st.one_of(st.text(), st.lists(MARKS).map("".join))


@settings(deadline=None)
@given(WRITING, st.sampled_from([None, "de", "en", "zh-Hant"]))
def test_sentences_lose_nothing_but_space_and_keep_the_order(text: str, language: str | None) -> None:
    found = sentences(text, language)
    assert "".join("".join(found).split()) == "".join(text.split())


@settings(deadline=None)
@given(WRITING)
def test_no_sentence_is_empty_or_has_space_around_it(text: str) -> None:
    assert all(sentence and sentence == sentence.strip() for sentence in sentences(text))


@settings(deadline=None)
@given(WRITING)
def test_a_sentence_that_was_cut_out_is_not_cut_again(text: str) -> None:
    for language in ("en", "de", "ru"):
        for sentence in sentences(clean(text), language):
            assert sentences(sentence, language) == [sentence]


def test_a_lone_surrogate_beside_a_point_is_no_mistake() -> None:
    assert sentences("x\ud800. Y. Z", "es") == ["x\ud800.", "Y. Z"]


@pytest.mark.parametrize(
    "expected",
    [
        ["Hello.", "How are you?", "Fine!"],
        ["No.", "I won't.", "Yes.", "He can."],
        ["It was 5 p.m.", "Then we left."],
        ["It cost $3.50.", "That is a lot."],
        ["2 * 3 = 6.", "4 * 5 = 20."],
        ["I was born in 1990.", "She was not."],
        ["So do I.", "Me too."],
        ["Really?!", "Yes!!!", "ok"],
        ["Well...", "Yes…", "No."],
        ["Is it?", "yes."],
        ["¿Qué tal?", "¡Bien!", "«Sí.»", "Vamos."],
        ["Quoi ?", "« Bon. »", "Il part."],
        ["Il part.", "Elle dit : « Quoi ! »"],
        ["„Gut.“", "Sie ging."],
        ["Это я.", "Привет."],
        ["Τι κάνεις;", "Είμαι καλά."],
        ["مرحبا.", "كيف حالك؟", "أنا بخير."],
        ["یہ کیا ہے؟", "یہ گھر ہے۔", "وہ کتاب ہے۔"],
        ["यह अच्छा है।", "चलो चलें।", "ठीक है"],
        ["안녕하세요.", "반갑습니다.", "네."],
        ["Բարեւ։", "Ինչպես ես։"],
        ["ሰላም።", "እንዴት ነህ፧", "ደህና።"],
    ],
)
def test_sentences_with_spaces_between_them_are_cut(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


@pytest.mark.parametrize(
    "expected",
    [
        ["今天天气很好。", "我们去公园吧！", "好吗？"],
        ["好吗?", "好的!", "走吧"],
        ["そうです。", "「え？」", "「はい。」"],
        ["「行こう。」と言った。", "彼は来た。"],
        ["這是 3．5 元。", "謝謝……再見。"],
        ["သူ လာသည်။", "ကောင်းသည်။"],
    ],
)
def test_sentences_without_spaces_between_them_are_cut(expected: list[str]) -> None:
    assert sentences("".join(expected)) == expected


@pytest.mark.parametrize(
    "whole",
    [
        "Dr. Smith met Mrs. Jones and Prof. Brown.",
        "It costs $3.50 in version 2.0.1 on example.com.",
        "Take fruit, e.g. apples, i.e. what grows here.",
        "E.g. London or, i.e. Paris.",
        "The U.S. Army and J. R. R. Tolkien.",
        "See No. 5 and Fig. 3 on p. 12.",
        "We left at 6 p.m. on Monday.",
        "Wait… what do you mean... exactly?",
        '"Go!" he said.',
        "« Non ! » dit-il.",
        "1. Open the door.",
        "La Sra. Pérez y el Sr. Gil.",
        "Wir kommen z. B. am Montag, d. h. bald.",
        "Число 3۔5 ...",
    ],
)
def test_points_that_end_no_sentence_do_not_cut(whole: str) -> None:
    assert sentences(whole) == [whole]


@pytest.mark.parametrize(
    ("language", "whole"),
    [
        ("en", "Rep. Smith met Pres. Lincoln on Sept. 11."),
        ("en", "See Fig. 2, Eq. 7 and Sec. 4.1, e.g. Dr. J. R. Brown's."),
        ("en", "Go to www.example.com or mail a.b@example.org for version 2.0.1... please."),
        ("en", "Wait... I know him."),
        ("es", "EE. UU. anunció un acuerdo."),
        ("es", "Sale a las 3.5 p. m. del martes, según la Dña. Juana."),
        ("de", "Das kostet 5 Mio. Euro."),
        ("de", "Er wohnt in der Hauptstr. 5 bei Hrn. Dipl.-Ing. Weber."),
        ("de", "Am 3. Mai beginnt der 2. Kurs."),
        ("fr", "M. Dupont et Mme Petit habitent bd. Voltaire, no. 5."),
        ("it", "L’avv. Neri e l'ing. Gallo, pag. 12."),
        ("it", "— Un re! — diranno i lettori."),
        ("pt", "O Sr. Silva mora na Av. Paulista, séc. XIX."),
        ("ru", "А. С. Пушкин жил на ул. Ленина в г. Москве, см. рис. 3."),
        ("pl", "Inż. Lis mieszka przy ul. Długiej, zob. str. 12."),
        ("fr", "Le 14 juil. 1789 et le 3 okt. 2020."),
        ("hi", "डॉ. शर्मा आए।"),
        ("ar", "د. أحمد هنا."),
        ("fr-CH", "Le Dr. Leroux voit M. Blanc."),
    ],
)
def test_abbreviations_of_a_language_do_not_cut(language: str, whole: str) -> None:
    assert sentences(whole, language) == [whole]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["The answer is no.", "Come in."]),
        ("en", ["No.", "I do not think so."]),
        ("es", ["Creo que no.", "Es para ti.", "Vamos."]),
        ("it", ["Non lo so.", "Vieni con me.", "Andiamo."]),
        ("da", ["Han satte sig.", "Hun gik."]),
        ("ru", ["Он родился в 1799 г.", "Это мой муж."]),
        ("de", ["Siehe S. 12.", "Vgl. Nr. 7."]),
    ],
)
def test_usual_words_end_sentences_though_they_look_like_abbreviations(
    language: str, expected: list[str]
) -> None:
    assert sentences(" ".join(expected), language) == expected


def test_ordinals_stay_whole_in_languages_that_write_them_with_a_point() -> None:
    text = "Er kommt am 3. Mai. Dann geht er."
    assert sentences(text, "de-AT") == ["Er kommt am 3. Mai.", "Dann geht er."]
    assert sentences("I am 25. She is 26.", "en") == ["I am 25.", "She is 26."]


def test_text_without_any_mark_is_one_sentence_and_space_is_none() -> None:
    assert sentences(" go forward ten meters ") == ["go forward ten meters"]
    assert sentences(" \n\t ") == []


@pytest.mark.parametrize("piece", [".", ". ", '."', "。", "! ", "A. ", ".» ", '。"', "! " + " " * 500, "x"])
def test_a_hostile_text_takes_time_in_proportion_to_its_length(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began = time.process_time()
    sentences(text)
    assert time.process_time() - began < 2  # 0.2 s measured; quadratic matching takes minutes


def test_a_comma_at_the_edge_is_no_place_to_cut() -> None:
    assert halves("Yes, the train to the city leaves at nine") == (
        "Yes, the train to the",
        "city leaves at nine",
    )


def test_scripts_without_spaces_are_cut_at_their_own_marks() -> None:
    assert halves("私は駅に行きます、彼は家に帰ります") == ("私は駅に行きます、", "彼は家に帰ります")


def test_a_number_is_not_cut_at_its_comma() -> None:
    assert halves("12,345,678") == ("12,34", "5,678")


def test_a_vowel_sign_stays_with_its_letter() -> None:
    assert halves("กา" + "กำกิกี") == ("กากำ", "กิกี")
    assert halves("aae\u0301bc\u0301") == ("aae\u0301", "bc\u0301")


def test_a_single_letter_has_no_halves() -> None:
    assert halves("a") is None
    assert halves("") is None


@given(st.text(max_size=400).map(clean), st.integers(1, 40))
def test_every_part_of_a_sentence_fits_and_no_character_is_lost(text: str, longest: int) -> None:
    found = list(parts(text, lambda part: len(part) <= longest))
    assert "".join(found).replace(" ", "") == text.replace(" ", "")
    assert all(len(part) <= longest or halves(part) is None for part in found)


def test_clean_folds_white_space_and_drops_what_cannot_be_seen() -> None:
    assert clean(" a\r\n\tb\u00a0\u3000c\x00\x1b\u200b\ufeff\u202e\ud800d ") == "a b cd"


def test_clean_composes_accents_but_keeps_the_joiners_of_persian_and_hindi() -> None:
    assert clean("cafe\u0301") == "caf\u00e9"
    assert clean("می\u200cخواهم क्\u200dष") == unicodedata.normalize("NFC", "می\u200cخواهم क्\u200dष")


@settings(deadline=None)
@given(st.text(st.characters()))
def test_clean_text_is_one_line_of_utf_8_and_stays_as_it_is(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert " ".join(once.split()) == once
    assert not any(unicodedata.category(character) == "Cc" for character in once)
    once.encode()


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("The first one ends here. So does the second.", [24, 20]),
        ("Yes. The first one ends here. So does the second. And this one.", [29, 20, 14]),
        ("The first one ends here. Yes.", [29]),
        ("It is one sentence, and it has no other behind it", [49]),
        ("", [0]),
    ],
)
def test_an_opening_is_the_first_sentences_where_enough_is_left(text: str, lengths: list[int]) -> None:
    assert opening(text, "en", 15) == lengths


@pytest.mark.parametrize(
    "spoken",
    [
        ["Short, and whole."],
        ["A sentence of many words that goes on and on without a single mark in it"],
        ["We met the others at the station,", "but the train that they had waited for was late again."],
        ["Red, green, blue, black and white,", "and all of the others as well."],
        [
            "We met the others at the station,",
            "but the train that they had waited for, which was the last one, came an hour late,",
            "so that all of us missed the beginning of the play, and of course its first act as well, alas.",
        ],
        [
            "this is what a recogniser makes that puts no",
            "mark between the words so that one who reads it has nothing by which to tell",
        ],
    ],
)
def test_a_long_sentence_is_spoken_clause_by_clause(spoken: list[str]) -> None:
    assert clauses(" ".join(spoken), 24) == spoken
