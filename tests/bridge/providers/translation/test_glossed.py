"""Terms of the operator in translations of any engine: the real Apertium, and engines that mistreat them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.glossary import Glossary
from bridge.options import Options
from bridge.providers import Advice, Translator
from bridge.providers.translation.apertium import Apertium, ApertiumOptions
from bridge.providers.translation.glossed import CODES, NAMES, glossed
from bridge.providers.translation.nllb import Nllb
from bridge.providers.translation.nllb_options import NllbOptions
from bridge.types import Phrase, Translation
from tests.models.fixtures import tiny_nllb as tiny_nllb

TERMS = """
[en]
keep = ["Rose Baker"]
[en.es]
"night watch" = "guardia nocturna"
[en.ja]
"night watch" = "夜警"
"""


class Engine:
    """Makes of a text whatever the test says, and remembers what it was asked."""

    Options = Options

    def __init__(self, made: Callable[[str], str], advice: frozenset[Advice] = frozenset()) -> None:
        self.made = made
        self.advice = advice
        self.asked: list[Phrase] = []

    def translate(self, phrase: Phrase) -> Translation:
        self.asked.append(phrase)
        return Translation(self.made(phrase.text), 0.5)

    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset({("en", "es")})

    def resident(self) -> tuple[str, ...]:
        return ("small",)

    def close(self) -> None:
        self.asked.clear()


@pytest.fixture
def glossary(tmp_path: Path) -> Glossary:
    path = tmp_path / "terms.toml"
    path.write_text(TERMS)
    return Glossary(path)


@pytest.fixture(scope="module")
def apertium() -> Iterator[Apertium]:
    with closing(Apertium(ApertiumOptions.read())) as engine:
        yield engine


@pytest.mark.provider
@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("I saw Rose Baker yesterday.", "Vi Rose Baker ayer."),
        ("rose baker's house is old.", "La casa de Rose Baker es vieja."),
        ("Night watch is hard.", "Guardia nocturna es duro."),
        ("Do you know Williams and Rose Baker?", "Sabes Williams y Rose Baker?"),
    ],
)
def test_apertium_says_what_the_glossary_says(
    text: str, made: str, apertium: Apertium, glossary: Glossary
) -> None:
    assert glossed(apertium, glossary).translate(Phrase(text, "en", "es")).text == made


def test_an_engine_that_takes_terms_is_told_those_of_the_text_and_nothing_is_hidden(
    glossary: Glossary,
) -> None:
    engine = Engine(str.upper, frozenset(("terms",)))
    glossed(engine, glossary).translate(
        Phrase("The night watch saw Rose Baker and a night watch.", "en", "es")
    )
    glossed(engine, glossary).translate(Phrase("Nobody.", "en", "es"))
    assert [phrase.terms for phrase in engine.asked] == [
        (("night watch", "guardia nocturna"), ("Rose Baker", "Rose Baker")),
        (),
    ]
    assert engine.asked[0].text.startswith("The night watch saw")


def test_a_word_that_stands_for_a_term_is_none_of_the_text(glossary: Glossary) -> None:
    engine = Engine(lambda text: f"{text}!")
    text = f"Rose Baker met {NAMES[0].upper()} and {NAMES[1]}s."
    assert glossed(engine, glossary).translate(Phrase(text, "en", "es")).text == f"{text}!"
    assert engine.asked[0].text.startswith(NAMES[2])


@pytest.mark.parametrize(
    "harm",
    [
        lambda name, text: text.replace(name, ""),
        lambda name, text: text.replace(name, name + "a"),
        lambda name, text: text.replace(name, name.lower()),
        lambda name, text: text + name,
        lambda name, text: text + name.lower(),
    ],
    ids=["lost", "inflected", "in another case", "doubled", "doubled in another case"],
)
def test_a_word_that_does_not_come_back_as_it_was_is_replaced_by_one_that_no_engine_knows(
    harm: Callable[[str, str], str], glossary: Glossary
) -> None:
    engine = Engine(lambda text: harm(NAMES[0], text) if NAMES[0] in text else text)
    made = glossed(engine, glossary).translate(Phrase("Rose Baker came.", "en", "es"))
    assert made == Translation("Rose Baker came.", 0.5)
    assert [phrase.text for phrase in engine.asked] == [f"{NAMES[0]} came.", f"{CODES[0]} came."]


def test_where_no_word_comes_back_the_text_is_translated_without_the_terms(glossary: Glossary) -> None:
    engine = Engine(lambda text: text.replace(NAMES[0], "").replace(CODES[0], ""))
    with capture_logs() as lines:
        made = glossed(engine, glossary).translate(Phrase("rose baker came.", "en", "es"))
    assert made.text == "rose baker came."
    assert len(engine.asked) == 3
    assert "rose" not in str(lines).lower() and len(lines) == 1


def test_more_terms_than_names_are_hidden_all(glossary: Glossary) -> None:
    text = ", ".join(["Rose Baker"] * 20) + "."
    engine = Engine(str.strip)
    assert glossed(engine, glossary).translate(Phrase(text, "en", "es")).text == text
    assert len(engine.asked) == 1
    assert all(name in engine.asked[0].text for name in (*NAMES, *CODES[:8]))


def test_more_terms_than_there_are_words_for_are_left_to_the_engine(glossary: Glossary) -> None:
    text = ", ".join(["Rose Baker"] * 100) + "."
    assert glossed(Engine(str.upper), glossary).translate(Phrase(text, "en", "es")).text == text.upper()


def test_where_no_space_ends_a_word_the_term_is_found_in_the_translation(glossary: Glossary) -> None:
    engine = Engine(lambda text: f"{text.split()[1]}が来た")
    assert (
        glossed(engine, glossary).translate(Phrase("The night watch came", "en", "ja")).text == "夜警が来た"
    )
    engine.made = lambda text: f"昨日{text.split()[1]}が来た"
    assert (
        glossed(engine, glossary).translate(Phrase("The night watch came", "en", "ja")).text
        == "昨日夜警が来た"
    )


def test_looks_at_speech_that_goes_on_have_the_terms_too_and_all_else_is_the_engines(
    glossary: Glossary,
) -> None:
    engine: Any = Engine(str.upper)
    made = glossed(engine, glossary)
    assert (
        made.uncached(Phrase("a night watch", "en", "es")).text
        == made.translate(Phrase("a night watch", "en", "es")).text
    )
    assert (made.pairs(), made.resident(), made.advice) == (engine.pairs(), ("small",), frozenset())
    assert glossed(engine, None) is engine
    made.close()
    assert engine.asked == []


@pytest.mark.provider
def test_the_small_nllb_is_heard_without_a_word_that_stands_for_a_term(
    tiny_nllb: Path, glossary: Glossary
) -> None:
    """It was trained on a few phrases and keeps no name: the mechanism is shown, not what a real one does."""
    options = NllbOptions(translation_model=str(tiny_nllb / "ct2"), translation_threads=1)
    with closing(Nllb(options)) as engine:
        plain: Translator = engine
        phrase = Phrase("Good night watch.", "en", "es")
        made = glossed(plain, glossary).translate(phrase).text
    assert not any(word.lower() in made.lower() for word in (*NAMES, *CODES))
