"""Cuts text into sentences, because engines translate and speak one sentence best, and makes it clean.

A cut too few costs a little quality; a cut too many ("Dr. | Smith") spoils both halves. In doubt
the text stays whole.
"""

# ruff: noqa: RUF001 - the marks of many scripts look alike, and that is the matter here

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

# Marks of scripts without capitals end a sentence with or without a space behind them: Chinese and
# Japanese, Arabic, Urdu, Devanagari, Armenian, Ethiopic, Burmese, Khmer. Greek asks with a semicolon.
WIDE = "。｡．！？؟۔।॥։።፧။។"
NARROW = ".!?…"
CLOSERS = "\"'”’“‘»«›)\\]}」』）》】〉〕"
WIDE_CLOSERS = '"”’»)\\]}」』）》】〉〕'
GREEK = "\u0370-\u03ff\u1f00-\u1fff"
CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"

END = re.compile(
    rf"[{WIDE}][{WIDE}{NARROW}]*+(?:[{WIDE_CLOSERS}]++(?!\w)|(?![{WIDE_CLOSERS}\d]))"
    rf"|(?<=[{GREEK}])[;\u037e](?=\s)"
    rf"|(?<![{NARROW}])(?P<narrow>[{NARROW}]++)(?P<closers>[{CLOSERS}]*+(?:\s»)?)"
    rf"(?:(?=\s|\Z)|(?<=[!?])(?=[{CJK}]))"
)
WORD = re.compile(r"[^\s(\[\"'“‘«¿¡]*\Z")
NEXT = re.compile(r"[\s(\[\"'“‘«»¿¡„*-]*(.?)", re.DOTALL)
LONGEST_WORD = 24

# fmt: off
ABBREVIATIONS = frozenset((
    # English
    "Dr", "Mr", "Mrs", "Ms", "Mx", "Prof", "St", "Gen", "Col", "Sgt", "Lt", "Capt", "Rev", "Hon", "Gov",
    "Sen", "Mt", "E.g", "e.g", "I.e", "i.e", "approx", "cf", "vs",
    # Spanish, Catalan, Portuguese, Italian, French
    "Sr", "Sra", "Srta", "Srs", "Dra", "Ud", "Uds", "Vd", "Vds", "Sig", "Dott", "Ing", "Avv", "Mme", "Mlle",
    "núm", "pág", "p.ej", "p.ex",
    # German, Dutch
    "Hr", "Fr", "Nr", "bzw", "bspw", "ca", "evtl", "inkl", "vgl", "z", "zzgl", "bijv", "dhr", "mevr",
    # Russian
    "г", "ул",
))
NUMBERED = frozenset(("No", "Nos", "Art", "art", "Fig", "fig", "p", "pp", "Vol", "vol", "Ch", "Sec"))
ORDINAL_POINT = frozenset((
    "bs", "cs", "da", "de", "et", "fi", "fo", "hr", "hu", "is", "lb", "lv", "nn", "no", "pl", "sk", "sl",
    "sr", "tr",
))
"""Languages that write "the 3rd of May" as "3. Mai"."""
# fmt: on

CLAUSE = re.compile(r"[,;:–—](?=\s)|[，、；：،؛၊]")
SPACE = re.compile(r"\s")
MIDDLE = (0.2, 0.8)
"""Where a clause may end for a cut behind it, as a part of the text: two halves, not a crumb."""

INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def sentences(text: str, language: str | None = None) -> list[str]:
    """The sentences of `text` in order, none empty; nothing but the white space between them is lost.

    `language` is a BCP-47 tag; it matters where a number with a point may be an ordinal ("3. Mai").
    """
    found, start = [], 0
    for match in END.finditer(text):
        if not match["narrow"] or _ends(text, start, match, language):
            found.append(text[start : match.end()].strip())
            start = match.end()
    return [sentence for sentence in (*found, text[start:].strip()) if sentence]


def parts(sentence: str, fits: Callable[[str], bool]) -> Iterator[str]:
    """The sentence, or its halves and theirs until each of them fits; none is empty.

    A single letter comes even if it does not fit.
    """
    if fits(sentence) or not (both := halves(sentence)):
        yield sentence
        return
    for half in both:
        yield from parts(half, fits)


def halves(sentence: str) -> tuple[str, str] | None:
    """The sentence in two near its middle: at the end of a clause, else of a word, else of a letter.

    None for a single letter.
    """
    middle = len(sentence) / 2
    lowest, highest = (len(sentence) * part for part in MIDDLE)
    clauses = [match.end() for match in CLAUSE.finditer(sentence) if lowest < match.end() < highest]
    words = [match.end() for match in SPACE.finditer(sentence)]
    if cuts := clauses or words:
        cut = min(cuts, key=lambda end: abs(end - middle))
    else:
        cut = int(middle)
        while cut < len(sentence) and unicodedata.category(sentence[cut]).startswith("M"):
            cut += 1
    first, second = sentence[:cut].strip(), sentence[cut:].strip()
    return (first, second) if first and second else None


def clean(text: str) -> str:
    """`text` composed (NFC), on one line, with single spaces and without invisible characters.

    Control characters, lone surrogates (which no UTF-8 can carry), direction overrides, soft hyphens
    and zero-width spaces go; the joiners that Persian and the scripts of India spell with stay.
    """
    return " ".join(unicodedata.normalize("NFC", INVISIBLE.sub("", text)).split())


def _ends(text: str, start: int, match: re.Match[str], language: str | None) -> bool:
    """Whether the `.!?…` found by `match` ends the sentence that begins at `start`."""
    following = NEXT.match(text, match.end())
    after = following[1] if following else ""
    marks = match["narrow"]
    if "!" in marks or "?" in marks:
        return not (match["closers"] and after.islower())
    if after.islower():
        return False
    if marks != "." or match["closers"]:
        return True
    before = text[max(start, match.start() - LONGEST_WORD) : match.start()]
    word = WORD.search(before)
    return not _abbreviates(word[0] if word else "", after) and not _counts(before, language)


def _abbreviates(word: str, after: str) -> bool:
    """Whether the point belongs to `word`: a title, an initial or an acronym."""
    if word in ABBREVIATIONS or (word in NUMBERED and after.isdigit()):
        return True
    last = word.rpartition(".")[2]
    return len(last) == 1 and last.isupper() and word != "I"


def _counts(before: str, language: str | None) -> bool:
    """Whether the point belongs to a number: of a list ("1. Open the door."), or an ordinal."""
    number = before.split()[-1:]
    if not number or not re.fullmatch(r"\d{1,2}", number[0]):
        return False
    return before.strip() == number[0] or (language or "").partition("-")[0].lower() in ORDINAL_POINT
