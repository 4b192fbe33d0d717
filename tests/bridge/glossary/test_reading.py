"""The file of a glossary: what may stand in it, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import SettingsError
from bridge.glossary.book import Book
from bridge.glossary.reading import MOST, read

WHOLE = """
keep = ["speechbridge"]
[en]
keep = ["Ada Lovelace"]
[en.es]
"machine  room" = "sala de máquinas"
[en-GB.es]
flat = "piso"
[both.en.de]
"night watch" = "Nachtwache"
"""


def book(folder: Path, text: str) -> Book:
    path = folder / "terms.toml"
    path.write_text(text)
    return read(path)


def test_terms_hold_for_their_pair_and_both_ways_only_where_the_file_says_so(tmp_path: Path) -> None:
    made = book(tmp_path, WHOLE)
    kept = {"speechbridge": "speechbridge", "Ada Lovelace": "Ada Lovelace"}
    assert made.terms("en", "es") == kept | {"machine room": "sala de máquinas"}
    assert made.terms("es", "en") == {"speechbridge": "speechbridge"}
    assert made.terms("en", "de") == kept | {"night watch": "Nachtwache"}
    assert made.terms("de", "en") == {"speechbridge": "speechbridge", "Nachtwache": "night watch"}
    assert len(made) == 6


def test_a_regional_language_has_the_terms_of_its_base_and_its_own_win(tmp_path: Path) -> None:
    text = '[en.es]\nflat = "llano"\nlift = "ascensor"\n[en-GB.es]\nFlat = "piso"\n'
    made = book(tmp_path, text + '[en.es-419]\nlift = "elevador"\n')
    assert made.terms("en-GB", "es") == {"Flat": "piso", "lift": "ascensor"}
    assert made.terms("en-GB", "es-419") == {"Flat": "piso", "lift": "elevador"}
    assert made.terms("en", "es-MX") == {"flat": "llano", "lift": "elevador"}


def test_another_script_is_no_regional_form(tmp_path: Path) -> None:
    made = book(tmp_path, '[en.zh]\n"machine room" = "机房"\n')
    assert made.terms("en", "zh") and not made.terms("en", "zh-Hant")


def test_what_a_pair_says_wins_over_what_is_kept(tmp_path: Path) -> None:
    made = book(tmp_path, 'keep = ["Aachen"]\n[de.fr]\nAachen = "Aix-la-Chapelle"\n')
    assert made.terms("de", "fr") == {"Aachen": "Aix-la-Chapelle"}
    assert made.terms("de", "en") == {"Aachen": "Aachen"}


def test_words_that_may_be_said_are_those_of_the_language_alone(tmp_path: Path) -> None:
    made = book(tmp_path, WHOLE)
    assert made.words("en") == ["speechbridge", "Ada Lovelace", "machine room", "night watch"]
    assert made.words("en-GB") == [*made.words("en")[:3], "flat", "night watch"]
    assert made.words("de") == ["speechbridge", "Nachtwache"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[en.es\n", "no valid TOML"),
        ('[en.es]\na = "b"\na = "c"\n', "line 3"),
        ('[en.xx]\na = "b"\n', "[en.xx]: Language 'xx' is not in the table"),
        ('[en.en-GB]\na = "b"\n', "en is not translated into en-GB"),
        ("[en.es]\na = 5\n", "[en.es.a]: 5 is no text"),
        ('[en.es]\n"..." = "b"\n', "'...' is no text with a letter"),
        ('[en.es]\nada = "b"\nAda = "c"\n', "'Ada' stands there a second time"),
        (
            '[en.es]\na = "b"\n[both.en.es]\nA = "c"\n',
            "[both.en.es]: the term 'a' stands there",
        ),
        ('[both.en.es]\na = "b"\nc = "b"\n', "'b' is 'a' and 'c'"),
        ('keep = "Ada"\n', "[keep]: no list"),
        ('[en]\nkeep = [["Ada"]]\n', "[en.keep]"),
        ('en = "es"\n', "[en]: no table"),
        (f'[en.es]\n"{"a" * 201}" = "b"\n', "more than 200 characters"),
        ("keep = [" + '"a",' * (MOST + 1) + "]\n", f"more than {MOST} terms"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_the_place_and_what_helps(
    text: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as raised:
        book(tmp_path, text)
    assert said in raised.value.message
    assert str(tmp_path / "terms.toml") in raised.value.message
    assert raised.value.hint


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read(tmp_path / "missing.toml")
    (tmp_path / "latin.toml").write_bytes('[en.es]\n"a" = "ñ"\n'.encode("latin-1"))
    with pytest.raises(SettingsError, match="no text in UTF-8"):
        read(tmp_path / "latin.toml")
