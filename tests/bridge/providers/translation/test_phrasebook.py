"""Phrases in front of the real pipes, and of engines simple enough to foresee what they answer."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from bridge.errors import ProviderMissing, SettingsError
from bridge.providers.translation.apertium import Apertium, ApertiumOptions
from bridge.providers.translation.phrasebook import BUNDLED, Entry, Pair, Phrasebook, books
from bridge.types import Phrase

pytestmark = pytest.mark.provider

BOOK = Phrasebook(
    [
        Entry("please", "por favor"),
        Entry("thank you", "gracias"),
        Entry("thank you for calling", "gracias por llamar"),
        Entry("how are you?", "¿cómo estás?"),
        Entry("I'm sorry", "lo siento"),
        Entry("go back", "vuelve", clause=True),
        Entry("back", "espalda"),
    ]
)


@pytest.fixture(scope="module")
def apertium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apertium]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("empty"))
        patch.delenv("APERTIUM_PHRASES", raising=False)
        try:
            made = Apertium(ApertiumOptions())
        except ProviderMissing as missing:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(missing))
    yield made
    made.close()


def say(apertium: Apertium, text: str, pair: Pair = ("en", "es")) -> str:
    return apertium.translate(Phrase(text, *pair)).text


def echo(text: str) -> str:
    """Only the phrases of what goes through this engine are translated."""
    return text


def bundled() -> list[tuple[Pair, str, str]]:
    rows = []
    for path in sorted(BUNDLED.glob("*.tsv")):
        source, _, target = path.stem.partition("-")
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                phrase, translation = line.split("\t")
                rows.append(((source, target), phrase.removeprefix("^"), translation))
    return rows


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


@pytest.mark.parametrize(("pair", "phrase", "translation"), bundled())
def test_bundled_phrase_is_there_because_apertium_says_something_else(
    apertium: Apertium, pair: Pair, phrase: str, translation: str
) -> None:
    if pair not in apertium.pairs():
        if os.environ.get("CI"):
            pytest.fail("The setup installs this pair.")
        pytest.skip("The pair is not installed.")
    assert words(apertium.pipe(*pair).translate(phrase)) != words(translation)
    spoken = say(apertium, phrase, pair)
    assert spoken.casefold() == translation.casefold() and spoken != translation


@pytest.mark.parametrize(
    ("text", "translation"),
    [
        ("go forward ten meters", "Ve adelante diez metros"),
        ("Go forward ten meters.", "Ve adelante diez metros."),
        ("I would like a cup of coffee, please.", "Me gustaría una taza de café, por favor."),
        ("Where is the train station?", "Dónde está la estación de tren?"),
        ("turn left and go forward ten meters", "Gira a la izquierda y ve adelante diez metros"),
        ("Stop here, please. Turn right.", "Para aquí, por favor. Gira a la derecha."),
        ("please open the door", "Por favor abre la puerta"),
        ("PLEASE OPEN THE DOOR", "POR FAVOR ABRE LA PUERTA"),
        ("please", "Por favor"),
        ("please please please", "Por favor por favor por favor"),
        ("how are you, Maria?", "Cómo estás, Maria?"),
        ("where is London?", "Dónde está Londres?"),
        ("\u201cplease\u201d (now), please!", "\u201cPor favor\u201d (ahora), por favor!"),
        ("I want to go back", "Quiero volver"),
        ("I am displeased.", "Estoy desagradado."),
    ],
)
def test_rest_of_the_sentence_is_translated_around_the_phrases(
    apertium: Apertium, text: str, translation: str
) -> None:
    assert say(apertium, text) == translation


# fmt: off
WORDS = (
    "the", "red", "house", "is", "I", "you", "go", "forward", "turn", "left", "pleased", "displeased",
    "stop-over", "train", "station", ",", ".", "!", "?", "and", "to", "ten", "Maria", "^", "[", "]", "\\",
    "xqzax", "xqqz",
)
# fmt: on


@settings(max_examples=150, deadline=5_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join))
@example("He displeased the trainer, and his pleasure stopped.")
def test_text_without_a_phrase_is_what_apertium_alone_makes_of_it(apertium: Apertium, text: str) -> None:
    assume(not any(pair == ("en", "es") and phrase.rstrip("?") in text for pair, phrase, _ in bundled()))
    assert say(apertium, text) == apertium.pipe("en", "es").translate(text)


@pytest.mark.parametrize("pair", [("en", "es"), ("en", "ca")])
@settings(max_examples=100, deadline=5_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.sampled_from(WORDS), min_size=1, max_size=10))
def test_no_neighbour_makes_the_engine_lose_or_move_a_phrase(
    apertium: Apertium, pair: Pair, pieces: list[str]
) -> None:
    if pair not in apertium.pairs():
        if os.environ.get("CI"):
            pytest.fail("The setup installs this pair.")
        pytest.skip("The pair is not installed.")
    book = Phrasebook([Entry("blabla", "primero"), Entry("blibli", "segundo")])
    text = " ".join([*pieces[:5], "blabla", *pieces[5:], "blibli"])
    found = re.findall("primero|segundo", book.translate(text, apertium.pipe(*pair).translate).lower())
    assert found == ["primero", "segundo"]


@settings(max_examples=300)
@given(
    before=st.lists(st.sampled_from(WORDS), max_size=5), behind=st.lists(st.sampled_from(WORDS), max_size=5)
)
def test_all_but_the_phrase_reaches_the_engine_and_comes_back(before: list[str], behind: list[str]) -> None:
    answer = BOOK.translate(" ".join([*before, "please", *behind]), echo)
    kept = [word.casefold() for word in answer.split()]
    expected = [*before, "por", "favor", *behind]
    assert kept == [word.casefold() for word in expected]


@pytest.mark.parametrize(
    ("text", "translation"),
    [
        ("thank you for calling us", "Gracias por llamar us"),
        ("so thank you for us", "so gracias for us"),
        ("Say PLEASE now, Please", "Say POR FAVOR now, Por favor"),
        ("well, i\u2019m sorry", "well, lo siento"),
        ("hello. please", "hello. Por favor"),
        ("hello how are you? fine", "hello ¿cómo estás? fine"),
        ("hello how are you fine", "hello cómo estás fine"),
        ("please's yes-please please-do pleased", "please's yes-please please-do pleased"),
        ("x please, go back; go back please go back", "x por favor, vuelve; vuelve por favor vuelve"),
        ("to go back", "to go espalda"),
        ("xqzax xqqzbx please", "xqzax xqqzbx por favor"),
    ],
)
def test_phrases_are_found_whole_longest_first_and_in_the_case_of_the_text(
    text: str, translation: str
) -> None:
    assert BOOK.translate(text, echo) == translation


def test_engine_that_loses_a_phrase_is_given_the_text_as_it_is() -> None:
    asked = []

    def forgetful(text: str) -> str:
        asked.append(text)
        return "casa" if len(asked) == 1 else text

    assert BOOK.translate("house please", forgetful) == "house please"
    assert len(asked) == 2


def test_translation_may_hold_any_character(apertium: Apertium) -> None:
    target = r"\1 ^[<b>]$ {x}@ \g<0>"
    book = Phrasebook([Entry("logo (new)", target)])
    assert book.translate("the logo (new) house", apertium.pipe("en", "es").translate).count(target) == 1


def test_bundled_phrases_are_looked_for_in_less_than_a_millisecond() -> None:
    text = "I would like to know where the nearest station is, please, and when the next train goes."
    for book in books(None).values():
        times = []
        for _ in range(20):
            start = time.perf_counter()
            book.translate(text, echo)
            times.append(time.perf_counter() - start)
        assert min(times) < 0.001


def test_marks_and_refused_commands_cost_no_more_than_their_number() -> None:
    times = []
    for text in (
        "a go back " * 4_000,
        "please " + "." * 40_000,
        "...a " * 8_000 + "please",
        "please " * 6_000,
    ):
        start = time.perf_counter()
        BOOK.translate(text.strip(), echo)
        times.append(time.perf_counter() - start)
    assert max(times) < 1


def test_phrases_of_the_operator_win_and_bring_new_pairs(apertium: Apertium, tmp_path: Path) -> None:
    (tmp_path / "en-es.tsv").write_text(
        "\ufeff# ours\r\n\r\nPlease \tte lo ruego\r\ngo back\tregresa\r\ngood  morning\tbuen día\r\n",
        encoding="utf-8",
    )
    (tmp_path / "es-en.tsv").write_text(
        "estación de tren\ttrain station\n¿qué tal?\thow is it going?", encoding="utf-8"
    )
    (tmp_path / "notes.txt").write_text("not a phrase")
    ours = Apertium(ApertiumOptions(apertium_phrases=tmp_path))
    try:
        assert say(ours, "hello, please") == "hola, te lo ruego"
        assert say(ours, "I want to go back") == "Quiero regresa"
        assert say(ours, "good morning") == "Buen día"
        assert say(ours, "go forward ten meters") == "Ve adelante diez metros"
        assert say(ours, "Hola, ¿qué tal?", ("es", "en")) == "Hello, how is it going?"
        assert "train station" in say(ours, "la estación de tren", ("es", "en"))
    finally:
        ours.close()


def test_book_may_be_one_file_or_empty(tmp_path: Path) -> None:
    path = tmp_path / "en-ca-valencia.tsv"
    path.write_text("please\tper favor")
    assert books(path)["en", "ca-valencia"].translate("please", echo) == "Per favor"
    path.write_text("# nothing yet\n")
    assert ("en", "ca-valencia") not in books(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# fine\nplease por favor\n", r"en-es\.tsv, line 2: 0 tabs instead of one"),
        (b"please\tpor\tfavor\n", "line 1: 2 tabs"),
        (b"please\t \n", "line 1: the translation is empty"),
        (b"^?\tque\n", "line 1: the phrase holds no word"),
        (b"one\tuno\nPlease\tuno\n^please!\tdos\n", "line 3: the phrase stands in line 2 already"),
        (b"one\tuno\nma\xf1ana\tx\n", "line 2: byte 3 is not UTF-8"),
    ],
)
def test_bad_line_is_named_with_its_file_and_number(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "en-es.tsv"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=message) as raised:
        Apertium(ApertiumOptions(apertium_phrases=tmp_path))
    assert str(path) in str(raised.value) and raised.value.hint


def test_bad_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere does not exist.*en-es\.tsv"):
        books(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match=r"holds no \.tsv file"):
        books(tmp_path)
    (tmp_path / "english-spanish.tsv").write_text("")
    with pytest.raises(SettingsError, match=r"english-spanish\.tsv names no pair"):
        books(tmp_path)
