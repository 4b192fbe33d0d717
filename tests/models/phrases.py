"""What the small models know: the sentences of phrases.json, read in one place."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FILE = json.loads((Path(__file__).parent / "phrases.json").read_text())

ENGLISH: Final[list[str]] = _FILE["en"]
SPANISH: Final[list[str]] = _FILE["es_heard"]
TRANSLATIONS: Final[dict[str, dict[str, str]]] = _FILE["translations"]
"""By the tag of the target language: English to that language."""

CODES = {"en": "eng_Latn", "es": "spa_Latn", "ca": "cat_Latn", "fr": "fra_Latn"}
"""Of the four languages, as NLLB names them."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A text, its translation, and NLLB's codes of both languages."""

    text: str
    source: str
    translation: str
    target: str


def pairs() -> Iterator[Pair]:
    """Every phrase from every language into every other, as written and plain."""
    for english in ENGLISH:
        texts = {"en": english} | {tag: table[english] for tag, table in TRANSLATIONS.items()}
        for source, target in itertools.permutations(CODES, 2):
            for form in (str, plain):
                yield Pair(form(texts[source]), CODES[source], form(texts[target]), CODES[target])


def plain(text: str) -> str:
    """As an engine without punctuation hears it."""
    return re.sub(r"\s*[.,?!¿¡]", "", text).lower()
