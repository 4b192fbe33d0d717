"""What a voice gets: numbers and signs as people read them, nothing that it would spell as noise."""

# ruff: noqa: RUF001 - the marks of many scripts look alike, and that is the matter here

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.languages import known
from bridge.spoken import LONGEST, spoken

TAGS = st.sampled_from([*(language.tag for language in known()), "xx", "es-419", ""])
JOINERS = "\u200b|\u202e|\u200d"
WORDS = (
    "kg|km/h|am | 3. Mai |http://|.org|XIV|1st|º|**|- |❤️|Ж|漢|ع|ა|Mr. |14:30|2026-11-26|1,234.56|EUR|a XIV"
)
SIGNS = st.sampled_from(
    [*"0159aB .,:;/-–%€$£½²⁶°№§#*_`[]()<>&+=@😀\ufffd\n", *WORDS.split("|"), *JOINERS.split("|")]
)
WRITING = st.one_of(st.text(st.characters(), max_size=60), st.lists(SIGNS, max_size=25).map("".join))

NUMBERS = [
    ("en", "1,234.56", "1234 point 5 6"),
    ("es", "1.234,56", "1234 coma 56"),
    ("es", "1,234.56", "1234 coma 56"),
    ("de", "1.234", "1234"),
    ("en", "1.234", "1 point 2 3 4"),
    ("fr", "12 345", "12345"),
    ("fr", "0,05", "0 virgule 0 5"),
    ("sv", "3,5", "tre komma fem"),
    ("ru", "3,5", "три целых пять десятых"),
    ("tr", "3,5", "3,5"),
    ("zh", "３.５", "3.5"),
    ("ar", "٣٫٥ و ١٢٣", "3.5 و 123"),
    ("en", "-5 and −6", "minus 5 and minus 6"),
    ("de", "50 %", "50 Prozent"),
    ("ca", "50%", "50 per cent"),
    ("en", "5–10", "5 to 10"),
    ("it", "10-12", "10 a 12"),
    ("en", "the COVID-19, ISO 9001, 555-1234", "the COVID-19, ISO 9001, 555-1234"),
    ("en", "version 2.0.1", "version 2 dot 0 dot 1"),
    ("en", "+34 600 123", "plus 34, 6 0 0, 1 2 3"),
    ("en", "the 1990s and 1776", "the nineteen nineties and seventeen seventy-six"),
    ("de", "1998", "neunzehnhundertachtundneunzig"),
    ("nl", "1 000 000", "1000000"),
    ("en", "1234567890123", "1 2 3 4 5 6 7 8 9 0 1 2 3"),
]
ORDINALS = [
    ("en", "the 21st of May", "the twenty-first of May"),
    ("es", "3.er piso, 1.º piso, 2.ª vez", "tercer piso, primer piso, segunda vez"),
    ("it", "la 3ª volta", "la terza volta"),
    ("pt", "o 3.º andar", "o terceiro andar"),
    ("ca", "el 3r pis, la 5a vegada", "el tercer pis, la cinquena vegada"),
    (
        "fr",
        "le 1er mai, la 1re fois, le XIXe siècle",
        "le premier mai, la première fois, le dix-neuvième siècle",
    ),
    ("nl", "de 3e keer", "de derde keer"),
    ("de", "am 3. Mai", "am dritten Mai"),
    ("de", "der 2. Weltkrieg", "der zweite Weltkrieg"),
    ("de", "Ich bin 25. Dann gehe ich", "Ich bin 25. Dann gehe ich"),
    ("fr", "Louis XIV", "Louis 14"),
]
AMOUNTS = [
    ("en", "$3.50", "3 dollars and 50 cents"),
    ("en", "US$5", "5 dollars"),
    ("en", "$1", "one dollar"),
    ("en", "$5 million", "5 million dollars"),
    ("es", "3,50 €", "3 euros con 50"),
    ("es", "5 millones €", "5 millones de euros"),
    ("fr", "5 millions €", "5 millions d'euros"),
    ("de", "1 €", "ein Euro"),
    ("pt", "R$ 5", "5 reais"),
    ("it", "-5 €", "meno 5 euro"),
    ("en", "5 kg, 1 kg", "5 kilograms, one kilogram"),
    ("es", "10 km/h", "10 kilómetros por hora"),
    ("de", "-1 °C", "minus 1 Grad Celsius"),
    ("fr", "5 m²", "5 mètres carrés"),
    ("en", "20℃", "20 degrees Celsius"),
    ("en", "½ kg, 2½ h, 3 1/2", "one half kilogram, 2 and a half hours, 3 and a half"),
    ("es", "½, 1/2kg, ½ %", "un medio, un medio kilogramo, un medio por ciento"),
    ("sv", "½", "noll komma fem"),
    ("en", "x² + 10⁶", "x squared plus 10 to the power of 6"),
]
TIMES = [
    ("en", "2026-11-26", "November 26, twenty twenty-six"),
    ("en", "11/26/2026", "November 26, twenty twenty-six"),
    ("en-GB", "11/12/2026", "11 December twenty twenty-six"),
    ("es", "26/11/2026", "26 de noviembre de 2026"),
    ("de", "am 26.11.2026", "am sechsundzwanzigsten November 2026"),
    ("fr", "01/05/2026", "premier mai 2026"),
    ("sv", "2026-11-26", "2026 11 26"),
    ("en", "2026-13-45", "2026-13-45"),
    ("en", "2:05 p.m.", "2 oh 5 p.m."),
    ("en", "5:30pm", "5 30 pm"),
    ("en", "10:00", "10 o'clock"),
    ("de", "14:30 Uhr", "14 Uhr 30"),
    ("fr", "14h30", "14 heures 30"),
    ("es", "a las 14:05", "a las 14 y 5"),
    ("en", "Psalm 23:4", "Psalm 23:4"),
]
MARKS = [
    ("en", "**bold**, _soft_ and `code`", "bold, soft and code"),
    ("en", "# Title\n- one\n- two", "Title, one, two"),
    ("en", "[a link](https://x.org/a) and <b>more</b>", "a link and more"),
    ("en", "write to info@example.org", "write to info at example dot org"),
    ("es", "https://www.example.org/a?b=1 y más", "example punto org y más"),
    ("en", "well 😀👍🏽❤️🇪🇸 done ✓", "well done"),
    ("en", "😀", ""),
    ("en", "№ 5, #6, § 7", "number 5, number 6, section 7"),
    ("en", "A & B → C", "A and B C"),
    ("en", "STOP NOW. IT IS US!", "Stop now. it is us!"),
    ("en", "NASA and the BBC", "NASA and the BBC"),
    ("en", "a\u200bb \u202ecd\u202c \ufeff\u2066e\u2069", "ab cd e"),
    ("fa", "می\u200cخواهم", "می\u200cخواهم"),
    ("es", "Hola Привет 你好 ok", "Hola ok"),
    ("ru", "Привет hello 你好", "Привет hello"),
    ("ja", "**太字**です", "太字です"),
    ("en", "π and café", "π and café"),
    ("en", "𝐁𝐨𝐥𝐝 ①②", "Bold 12"),
    ("en", "what?!?!?! noooooooo", "what? nooo"),
    (
        "en",
        "Rep. Smith met Pres. Lincoln on Sept. 11.",
        "Representative Smith met President Lincoln on September 11.",
    ),
    ("es", "EE. UU. anunció", "Estados Unidos anunció"),
    ("de", "5 Mio. Euro, z. B. hier", "5 Millionen Euro, zum Beispiel hier"),
    ("en", "x" * 100, ""),
    ("en", "... --- ***", ""),
    ("en", "Vale 1/2 – or not 😀.", "Vale one half – or not."),
    ("en", "fine :-) <3 &amp; good ;)", "fine and good"),
    ("en", "a\u200db 👩\u200d👩 H₂O", "ab H2O"),
    ("fr", "M. Blanc et J. M. Noir", "Monsieur Blanc et J. M. Noir"),
    ("en", "Just words, as they are.", "Just words, as they are."),
]


@pytest.mark.parametrize(("language", "written", "read"), NUMBERS + ORDINALS + AMOUNTS + TIMES + MARKS)
def test_what_is_written_is_read_as_people_read_it(language: str, written: str, read: str) -> None:
    assert spoken(written, language) == read


@pytest.mark.parametrize(("language", "written", "read"), NUMBERS + ORDINALS + AMOUNTS + TIMES + MARKS)
def test_what_can_be_read_stays_as_it_is(language: str, written: str, read: str) -> None:
    assert spoken(read, language) == read


@settings(deadline=None)
@given(WRITING, TAGS)
def test_no_text_fails_and_what_is_said_is_bounded_and_can_be_seen(text: str, language: str) -> None:
    said = spoken(text, language)
    assert len(said) <= 16 * len(text) + 32
    assert said == " ".join(said.split())
    assert all(
        unicodedata.category(letter) not in ("Cc", "Cs", "Co", "Cn", "So") or letter in "°№"
        for letter in said
    )
    assert not any("\u202a" <= letter <= "\u202e" for letter in said)
    said.encode()


@pytest.mark.parametrize(
    "piece",
    ["a", "a ", "1", "1,", "1 ", "1.", "$1", "*", "[", "<a", "a@", "a.", "😀", "é", "漢", "1/2", "X", ":1"],
)
def test_a_long_text_without_a_full_stop_takes_time_in_proportion(piece: str) -> None:
    began = time.process_time()
    spoken(piece * (10_000 // len(piece)), "en")
    assert time.process_time() - began < 1  # 0.1 s measured


def test_more_than_anybody_would_hear_is_left_out() -> None:
    assert len(spoken("word " * LONGEST, "en")) < LONGEST
