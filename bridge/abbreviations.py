"""Words whose point tells whether a sentence ends, from data/abbreviations.toml, which explains the kinds."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Literal

Kind = Literal["title", "numbered", "unit", "ordinary"]

FILE = Path(__file__).parent / "data" / "abbreviations.toml"


def known(kind: Kind, word: str, language: str) -> bool:
    """Whether `word`, without its point, is one of that kind in a base language such as "de"."""
    words = _words(kind, language)
    return word in words or word[:1].lower() + word[1:] in words


@functools.cache
def _tables() -> dict[str, dict[str, str]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@functools.lru_cache(1024)
def _words(kind: Kind, language: str) -> frozenset[str]:
    table = _tables()[kind]
    return frozenset(f"{table.get('all', '')} {table.get(language, '')}".split())
