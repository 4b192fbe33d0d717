"""Tells from the last mark and the last word of a text whether whoever said it has come to an end or goes on.

The words are those of data/hanging.toml. A full stop counts less than such a word, since recognisers
set one behind whatever they are given; a question mark or an exclamation mark counts more.
"""

# ruff: noqa: RUF001 - the marks of many scripts look alike, and that is the matter here

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path
from typing import Literal

from bridge.abbreviations import known
from bridge.text import NARROW, ONE_OR_TWO_DIGITS, ORDINAL_POINT, WIDE

Ending = Literal["complete", "hanging", "open"]
"""A sentence that ended, one that goes on, and one of which its text does not tell."""

FILE = Path(__file__).parent / "data" / "hanging.toml"

CLOSERS = '"”’“‘»«›)\\]}」』）》】〉〕'
PAUSES = ",،、，:：;；·–—-"
TAIL = re.compile(rf"(?:[\s{WIDE}{NARROW}{CLOSERS}\u037e{PAUSES}]|(?<=[{WIDE}{NARROW},])')*+\Z")
ASKS = re.compile("[!?！？؟]")
GREEK_ASKS = re.compile("[!?;\u037e]")
WAITS = re.compile(rf"(?:\.\.|[…{PAUSES}])[\s'{CLOSERS}]*\Z")
STOPS = re.compile(rf"[{WIDE}{NARROW}]")
APOSTROPHES = str.maketrans("’ʼ`´", "''''")


def ending(text: str, language: str | None = None) -> Ending:
    """How `text`, what was said up to a pause, ends. `language` is a BCP-47 tag, None for unknown.

    Only a mark makes a text complete, so what an engine without punctuation writes never is.
    """
    base = (language or "").partition("-")[0].lower()
    text = text.translate(APOSTROPHES)
    marks = found[0] if (found := TAIL.search(text)) else ""
    said = text.removesuffix(marks)
    if not said:
        return "open"
    if (GREEK_ASKS if base == "el" else ASKS).search(marks):
        return "complete"
    word = said.split()[-1]
    if WAITS.search(marks) or _hangs(said, word, base):
        return "hanging"
    if not STOPS.search(marks):
        return "open"
    return _stopped(word, base)


def retracted(earlier: str, later: str) -> bool | None:
    """Whether the stop at the end of `earlier` is gone in `later`, which goes on where that ended.

    None where `later` does not begin with the same words, or has no more than these.
    """
    before, after = earlier.split(), later.split()
    if len(after) <= len(before) or [_bare(w) for w in before] != [_bare(w) for w in after[: len(before)]]:
        return None
    marks = TAIL.search(after[len(before) - 1])
    return not (marks and STOPS.search(marks[0]))


def _bare(word: str) -> str:
    return TAIL.sub("", word).lower()


def _hangs(said: str, word: str, language: str) -> bool:
    words, ends = _table(language)
    lowered = word.lower().lstrip("\"'“‘«¿¡([")
    return lowered in words or lowered.rstrip("'") in words or said.endswith(ends)


def _stopped(word: str, language: str) -> Ending:
    """What a full stop behind `word` means."""
    if known("title", word, language):
        return "hanging"
    counted = language in ORDINAL_POINT and ONE_OR_TWO_DIGITS.fullmatch(word)
    return "open" if counted else "complete"


@functools.cache
def _tables() -> dict[str, dict[str, str]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@functools.lru_cache(256)
def _table(language: str) -> tuple[frozenset[str], tuple[str, ...]]:
    tables = _tables()
    words = frozenset(tables["words"].get(language, "").split())
    return words, tuple(tables["ends"].get(language, "").split())
