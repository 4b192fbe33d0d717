"""The file of a glossary, TOML: what may stand in it, and what is said of one that cannot be used."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sized
from pathlib import Path
from typing import Any

from bridge import languages
from bridge.errors import LanguageError, SettingsError
from bridge.glossary.book import EVERY, Book
from bridge.glossary.finding import key
from bridge.text import clean

KEEP, BOTH = "keep", "both"
"""The names of the file that are no languages: what stays as it is, and pairs that hold both ways."""

LONGEST = 200
"""Characters of a term."""
MOST = 5_000
"""Terms of one pair, and of one list."""

FORM = 'Write a table for each pair, [en.es], with lines such as "machine room" = "sala de máquinas".'


def read(path: Path) -> Book:
    """The book in the file. Raises SettingsError that names the file, the key and what helps."""
    try:
        said = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise SettingsError(
            f"GLOSSARY={path} cannot be read: {error.strerror}.", "Name a file that the worker may read."
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"The glossary {path} is no text in UTF-8.", "Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The glossary {path} is no valid TOML: {error}.", FORM) from None
    return _Reader(path).book(said)


class _Reader:
    """Of one file, which each error names."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pairs: dict[tuple[str, str], dict[str, str]] = {}
        self._keep: dict[str, list[str]] = {}

    def book(self, said: dict[str, Any]) -> Book:
        """Raises SettingsError."""
        for name, value in said.items():
            if name == KEEP:
                self._keep[EVERY] = self._list(name, value)
            elif name == BOTH:
                for source, target, terms in self._tables(value, BOTH):
                    self._add(source, target, terms, f"{BOTH}.{source}.{target}")
                    self._add(target, source, self._back(terms, f"{BOTH}.{source}.{target}"), BOTH)
            else:
                for source, target, terms in self._tables({name: value}):
                    self._add(source, target, terms, f"{source}.{target}")
        return Book(self._pairs, self._keep)

    def _tables(self, said: Any, within: str = "") -> Iterator[tuple[str, str, dict[str, str]]]:
        """The terms of each pair; what is kept of a source is noted."""
        for name, value in self._table(said, within).items():
            where = f"{within}.{name}" if within else name
            source = self._language(name, where)
            for tag, inner in self._table(value, where).items():
                place = f"{where}.{tag}"
                if tag == KEEP and not within:
                    self._keep[source] = self._list(place, inner)
                    continue
                target = self._language(tag, place)
                if languages.same(source, target):
                    raise self._wrong(place, f"{source} is not translated into {target}")
                yield source, target, self._terms(inner, place)

    def _add(self, source: str, target: str, terms: dict[str, str], where: str) -> None:
        """Raises SettingsError where the pair has one of the terms already."""
        has = self._pairs.setdefault((source, target), {})
        if twice := {key(term) for term in has} & {key(term) for term in terms}:
            raise self._wrong(where, f"the term {min(twice)!r} stands there a second time")
        has |= terms

    def _terms(self, value: Any, where: str) -> dict[str, str]:
        terms: dict[str, str] = {}
        for term, called in self._table(value, where).items():
            spelled = self._term(term, where)
            if any(key(spelled) == key(other) for other in terms):
                raise self._wrong(where, f"the term {term!r} stands there a second time, in another case")
            terms[spelled] = self._term(called, f"{where}.{term}")
        self._few(terms, where)
        return terms

    def _back(self, terms: dict[str, str], where: str) -> dict[str, str]:
        back: dict[str, str] = {}
        for term, called in terms.items():
            if other := back.get(called):
                raise self._wrong(where, f"{called!r} is {other!r} and {term!r}, so that nothing leads back")
            back[called] = term
        return back

    def _list(self, where: str, value: Any) -> list[str]:
        if not isinstance(value, list):
            raise self._wrong(where, "no list of terms", 'Write keep = ["Ada Lovelace", "Redis"].')
        self._few(value, where)
        return [self._term(each, where) for each in value]

    def _term(self, value: Any, where: str) -> str:
        spelled = clean(value) if isinstance(value, str) else ""
        if not any(map(str.isalnum, spelled)):
            raise self._wrong(where, f"{value!r} is no text with a letter or digit")
        if len(spelled) > LONGEST:
            raise self._wrong(where, f"a term has more than {LONGEST} characters")
        return spelled

    def _table(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(where, "no table")
        return value

    def _few(self, terms: Sized, where: str) -> None:
        if len(terms) > MOST:
            raise self._wrong(where, f"more than {MOST} terms")

    def _language(self, tag: str, where: str) -> str:
        try:
            return languages.find(tag).tag
        except LanguageError as error:
            raise self._wrong(where, error.message.rstrip("."), error.hint) from None

    def _wrong(self, where: str, why: str, hint: str = FORM) -> SettingsError:
        return SettingsError(f"The glossary {self._path} cannot be used, see [{where}]: {why}.", hint)
