"""The words of a language for what is written in signs, from data/spoken.toml."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FILE = Path(__file__).parent.parent / "data" / "spoken.toml"

Forms = Mapping[str, tuple[str, str]]
"""By symbol, how one of it is said, number and all, and how several are named."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the data say of one language; empty texts where they say nothing."""

    language: str
    order: str = "dmy"
    decimal: str = ""
    point: str = ""
    pairs: bool = False
    minus: str = ""
    percent: str = ""
    date: str = ""
    time: str = ""
    hour: str = ""
    range: str = ""
    power: str = ""
    powers: tuple[str, ...] = ()
    at: str = ""
    dot: str = ""
    cents: str = ""
    of: str = ""
    months: tuple[str, ...] = ()
    large: tuple[str, ...] = ()
    signs: Mapping[str, str] = field(default_factory=dict)
    fractions: Forms = field(default_factory=dict)
    short: Mapping[str, str] = field(default_factory=dict)
    money: Forms = field(default_factory=dict)
    units: Forms = field(default_factory=dict)


def words(language: str) -> Words:
    """The words of a tag's base language. Britons and others who write English put the day first."""
    base, _, region = language.lower().partition("-")
    if base not in _tables():
        return Words(base)
    return _words(base, base == "en" and region not in ("", "us"))


def either(symbols: Iterable[str]) -> str:
    """A pattern for any of these, the longest first."""
    return "|".join(re.escape(symbol) for symbol in sorted(symbols, key=len, reverse=True))


@functools.cache
def _tables() -> dict[str, dict[str, object]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@functools.cache
def _words(base: str, day_first: bool) -> Words:
    table = dict(_tables()[base])
    for key in ("fractions", "money", "units"):
        table[key] = {symbol: tuple(said.split("|")) for symbol, said in table[key].items()}  # type: ignore[attr-defined]
    for key, separator in (("months", " "), ("large", " "), ("powers", "|")):
        table[key] = tuple(str(table[key]).split(separator))
    if day_first:
        table |= {"order": "dmy", "date": "{d} {m} {y}"}
    return Words(base, **table)  # type: ignore[arg-type]
