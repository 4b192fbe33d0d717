"""Terms in a text: the longest first, whole words where words have spaces between them, in any case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

UNSPACED = frozenset(("bo", "ja", "km", "ko", "lo", "my", "th", "yue", "zh"))
"""Languages in which no space ends a word, or in which something is attached to a name without one."""

# Of the scripts of India and of Hebrew and Arabic, marks are part of a word, and \w does not hold them.
_INNER = r"\w\u0300-\u036f\u05b0-\u05bd\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
_ASCII = "0-9A-Za-z"
FIRST = re.compile("[\\s'’]")  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Found:
    """A term at `start` to `end` of a text, spelled `said` there, called `target` in the other language."""

    start: int
    end: int
    said: str
    term: str
    target: str


class Finder:
    """Finds the terms of one pair of languages, by what each is called in the other one."""

    def __init__(self, terms: Mapping[str, str], source: str) -> None:
        by_length = sorted(terms.items(), key=lambda pair: (-len(pair[0]), pair[0]))
        self._terms = [(_folded(FIRST.split(term)[0]), term, target) for term, target in by_length]
        self._edge = edge(source)

    def find(self, text: str) -> list[Found]:
        """All of them in order, none of which overlaps another; `text` is composed (NFC)."""
        said = _folded(text)
        # A pattern of some thousand terms would take a third of a second.
        near = [(term, target) for first, term, target in self._terms if first in said]
        if not near:
            return []
        # One group for each, so that the match says which term it is, however it is spelled.
        spelled = "|".join(f"({_spelled(term)})" for term, _ in near)
        pattern = re.compile(f"(?<![{self._edge}])(?:{spelled})(?![{self._edge}])", re.IGNORECASE)
        return [
            Found(match.start(), match.end(), match[0], *near[match.lastindex - 1])
            for match in pattern.finditer(text)
            if match.lastindex
        ]


def edge(language: str) -> str:
    """The characters, as of a class of a regular expression, none of which stands beside a whole word."""
    return _ASCII if language.partition("-")[0] in UNSPACED else _INNER


def exact(term: str) -> bool:
    """Whether it is found only as it is written: an acronym such as IT, which "it" is not."""
    letters = [letter for letter in term if letter.isalpha()]
    return len(letters) > 1 and all(map(str.isupper, letters))


def key(term: str) -> str:
    """Two terms with the same one are found in the same words."""
    return term if exact(term) else term.casefold()


def _folded(text: str) -> str:
    """In small letters, one for each letter, as re.IGNORECASE takes them: İ is i."""
    return "".join(letter.lower()[0] for letter in text)


def _spelled(term: str) -> str:
    words = (re.sub("['’]", "['’]", re.escape(word)) for word in term.split())  # noqa: RUF001
    spelled = r"\s+".join(words)
    return f"(?-i:{spelled})" if exact(term) else spelled
