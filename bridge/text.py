"""Cuts text into sentences, because engines translate and speak one sentence best, and makes it clean.

A cut too few costs a little quality; a cut too many ("Dr. | Smith") spoils both halves. In doubt
the text stays whole.
"""

# ruff: noqa: RUF001 - the marks of many scripts look alike, and that is the matter here

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, pairwise

import sentencex

from bridge.abbreviations import known

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
WORD = re.compile(r"[^\s(\[\"'’“‘«¿¡]*\Z")
NEXT = re.compile(r"([\s(\[\"'“‘«»¿¡„*–—-]*)((?:\w[\w.'’-]{0,24})?)")
NUMBER = re.compile(r"\d+\S*|[IVXLC]+\b")
POINT_OR_HYPHEN = re.compile("[.-]")
PRONOUN = re.compile(r"I\b")
YEAR = re.compile(r"\d{4}")
ONE_OR_TWO_DIGITS = re.compile(r"\d{1,2}")
CONTEXT = 48
"""Characters before a point that tell whether it ends a sentence: the last three words of these."""

# fmt: off
ENGLISH = ("", "en")
ORDINAL_POINT = frozenset((
    "bs", "cs", "da", "de", "et", "fi", "fo", "hr", "hu", "is", "lb", "lv", "nn", "no", "pl", "sk", "sl",
    "sr", "tr",
))
"""Languages that write "the 3rd of May" as "3. Mai"."""
# fmt: on

UNSPACED = frozenset(("ja", "yue", "zh"))
"""Languages that put no space between sentences; Thai, Lao, Khmer and Burmese do."""

CLAUSE = re.compile(r"[,;:–—](?=\s)|[，、；：،؛၊]")
DASH = re.compile("[-–—]")
SPACE = re.compile(r"\s")
MIDDLE = (0.2, 0.8)
"""Where a clause may end for a cut behind it, as a part of the text: two halves, not a crumb."""

UNMARKED = 4
"""Times the length of a first clause from which a sentence is one that nobody has put marks into."""

INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def sentences(text: str, language: str | None = None) -> list[str]:
    """The sentences of `text` in order, none empty; nothing but the white space between them is lost.

    `language` is a BCP-47 tag; it matters where a number with a point may be an ordinal ("3. Mai").
    """
    found, start, base = [], 0, (language or "").partition("-")[0].lower()
    for match in END.finditer(text):
        if not match["narrow"] or _ends(text, start, match, base):
            found.append(text[start : match.end()].strip())
            start = match.end()
    return [sentence for sentence in (*found, text[start:].strip()) if sentence]


def join(translated: Iterable[str], language: str) -> str:
    """Sentences of `language` as one text."""
    space = "" if language.partition("-")[0].lower() in UNSPACED else " "
    return space.join(translated)


def opening(text: str, language: str | None, least: int) -> list[int]:
    """The lengths of the sentences, those of the first ones joined until they have `least` characters.

    Just one where no others are left, or only such as have fewer together.
    """
    ends, end = [], 0
    for sentence in sentences(text, language):
        end = text.index(sentence, end) + len(sentence)
        ends.append(end)
    first = next((end for end in ends if end >= least), 0)
    if not first or len(text[first:].strip()) < least:
        return [len(text)]
    later = [end for end in ends if end > first]
    return [first, *(end - start for start, end in pairwise([first, *later]))]


def clauses(sentence: str, least: int) -> list[str]:
    """The sentence in clauses, to be spoken one by one: the first of `least` characters or more, each later
    one twice as long as the one before or more, so that few are cut.

    A long sentence without any mark is cut once, between two words. One that is not worth it stays whole.
    """
    found, start, size = [], 0, least
    for match in CLAUSE.finditer(sentence):
        if match.end() - start >= size and len(sentence) - match.end() >= least:
            found.append(sentence[start : match.end()].strip())
            start, size = match.end(), 2 * (match.end() - start)
    if not CLAUSE.search(sentence) and len(sentence) >= UNMARKED * least:
        start = sentence.rfind(" ", least, UNMARKED * least // 2) + 1
        found = [sentence[:start].strip()] if start else []
    return [*found, sentence[start:].strip()]


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


def _ends(text: str, start: int, match: re.Match[str], language: str) -> bool:
    """Whether the `.!?…` found by `match` ends the sentence that begins at `start`."""
    following = NEXT.match(text, match.end())
    between, after = following.groups() if following else ("", "")
    marks, closers = match["narrow"], match["closers"]
    if "!" in marks or "?" in marks:
        return not (after[:1].islower() and (closers or DASH.search(between)))
    if after[:1].islower():
        return False
    if closers or not after:
        return True
    if marks != ".":
        return not (language in ENGLISH and PRONOUN.match(after))
    words = text[max(start, match.start() - CONTEXT) : match.start()].split()[-3:]
    if (ends := _known(words, after, language)) is not None:
        return ends
    context = " ".join(words) + "."
    whole = f"{context} {after}".encode(errors="replace").decode()  # it refuses lone surrogates
    found = accumulate(map(len, sentencex.segment(language or "en", whole)))
    return any(end in (len(context), len(context) + 1) for end in found)


def _known(words: list[str], after: str, language: str) -> bool | None:
    """Whether a point ends the sentence of which `words` are the last, as far as the tables here tell."""
    found = WORD.search(words[-1]) if words else None
    word = found[0] if found else ""
    last = POINT_OR_HYPHEN.split(word)[-1]
    if ONE_OR_TWO_DIGITS.fullmatch(word):
        return _counted(words, language)
    if word == "I" and language in ENGLISH:
        return True
    if known("unit", word, language):
        return bool(words[1:] and NUMBER.fullmatch(words[-2]))
    if _initial(last) or known("title", word, language) or known("title", last, language):
        return False
    if words[1:] and ONE_OR_TWO_DIGITS.fullmatch(words[-2]) and YEAR.fullmatch(after.rstrip(".")):
        return False
    if known("numbered", word, language):
        return not NUMBER.match(after) or (after == "I" and language in ENGLISH)
    return True if known("ordinary", word, language) else None


def _initial(word: str) -> bool:
    return len(word) == 1 and (word.isupper() or "\u05d0" <= word <= "\u0fff")  # scripts without capitals


def _counted(words: list[str], language: str) -> bool:
    """Whether the point behind a number of one or two digits, the last of `words`, ends a sentence.

    It does not where the number is that of a list ("1. Open the door.") or may be an ordinal.
    """
    if len(words) == 1:
        return False
    counted = known("numbered", words[-2].removesuffix("."), language)
    return language not in ORDINAL_POINT or counted
