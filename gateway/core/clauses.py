"""Where speech that goes on without a pause may be cut: behind its last clause, as far as it is certain.

An engine that writes punctuation marks its clauses; of one that writes none, and of languages whose
conjunctions are known here, a clause ends before a conjunction.
"""

# ruff: noqa: RUF001 - the marks of many scripts look alike, and that is the matter here

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_MARK = re.compile(r"[.,;:!?…。．，、；：！？؟،؛।॥։።፣၊။។—–][\"'”’»)」』]*\s*\Z")
_ABBREVIATED = re.compile(r"(?:\b\w\.|\d[.,])\s*\Z")

# Those that begin a clause more often than they join two words of one.
CONJUNCTIONS = {
    "ca": "i però perquè que quan si on mentre encara doncs així perque",
    "de": "und aber denn weil dass wenn als ob während obwohl sondern oder damit bevor nachdem",
    "en": "and but because so that which who when while where if although though then unless until since or",
    "es": "y pero porque que cuando si donde mientras aunque pues como entonces sino o",
    "fr": "et mais parce que quand si où pendant quoique donc car lorsque puisque ou",
    "it": "e ma perché che quando se dove mentre anche quindi poiché oppure o",
    "nl": "en maar want omdat dat als wanneer terwijl hoewel dus of",
    "pt": "e mas porque que quando se onde enquanto embora pois então ou",
}
_BEGINS = {language: frozenset(words.split()) for language, words in CONJUNCTIONS.items()}


def last_end(text: str, stable: int, marks: Sequence[int], language: str) -> int | None:
    """Milliseconds of the audio up to which the last whole clause of the stable part of `text` was spoken.

    `marks` are as in Hypothesis. None where there is no such clause, or no time of its end. What follows it
    has begun: at least one word of it is stable as well.
    """
    words = _words(text, stable, marks)
    begins = frozenset[str]()
    if not any(_MARK.search(word) for word, _ in words):
        begins = _BEGINS.get(language.partition("-")[0], begins)
    ends = [
        ms
        for (word, ms), (following, _) in pairwise(words)
        if (_MARK.search(word) and not _ABBREVIATED.search(word)) or following.strip().casefold() in begins
    ]
    return ends[-1] if ends else None


def _words(text: str, stable: int, marks: Sequence[int]) -> list[tuple[str, int]]:
    """The words of the stable part as the engine divides them, and when each ended."""
    found: list[tuple[str, int]] = []
    start = 0
    for end, ms in zip(marks[::2], marks[1::2], strict=False):
        word = text[start:end]
        if start + len(word.rstrip(" .,;:!?…。，、；：！？")) > stable:
            break
        found.append((word, ms))
        start = end
    return found
