"""Cuts a text into what a model translates well, one sentence at a time, and joins the answers."""

# ruff: noqa: RUF001 - the marks of many scripts look alike, and that is the matter here

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bridge import languages, text

CLAUSE = re.compile(r"[,;:–—](?=\s)|[，、；：،؛၊]")
SPACE = re.compile(r"\s")
MIDDLE = (0.2, 0.8)
"""Where a clause may end for a cut behind it, as a part of the text: two halves, not a crumb."""

UNSPACED = frozenset(("ja", "yue", "zh"))
"""Languages that put no space between sentences; Thai, Lao, Khmer and Burmese do."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence, or a part of one that was too long, and its tokens."""

    text: str
    tokens: list[str]

    @property
    def spoken(self) -> bool:
        """Whether there is a letter or digit to translate: of "…" a model makes words up."""
        return any(character.isalnum() for character in self.text)


def pieces(whole: str, language: str, encode: Callable[[str], list[str]], limit: int) -> list[Piece]:
    """The sentences of `whole` in order, those of more than `limit` tokens in parts; none is lost."""
    found = []
    waiting = text.sentences(text.clean(whole), language)[::-1]
    while waiting:
        sentence = waiting.pop()
        piece = Piece(sentence, encode(sentence))
        if len(piece.tokens) > limit and (parts := halves(sentence)):
            waiting += reversed(parts)
        else:
            found.append(piece)
    return found


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


def join(translated: Iterable[str], language: str) -> str:
    """The translated pieces as one text of `language`."""
    space = "" if languages.find(language).base in UNSPACED else " "
    return space.join(translated)
