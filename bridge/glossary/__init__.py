"""The operator's terms, kept as their file says now: what words are called in other languages."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import structlog

from bridge.errors import SettingsError
from bridge.glossary.book import Book
from bridge.glossary.reading import read

__all__ = ["Glossary"]

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
"""Time between two looks whether the file has changed: a look costs 2 µs, a new file is not urgent."""


class Glossary:
    """The book in the file at `path`. A worker reads it when it starts and again when it was changed."""

    def __init__(self, path: Path, now: Callable[[], float] = time.monotonic) -> None:
        """Raises SettingsError for a file that cannot be used."""
        self._path = path
        self._now = now
        self._lock = Lock()
        self._stamp = _stamp(path)
        self._book = read(path)
        self._looked = now()

    @classmethod
    def of(cls, path: Path | None) -> Glossary | None:
        """None where no file is named. Raises SettingsError."""
        return None if path is None else cls(path)

    def book(self) -> Book:
        """What the file says; of one that cannot be used any more, what it said before."""
        with self._lock:
            if self._now() - self._looked >= LOOK_SECONDS:
                self._looked = self._now()
                self._look()
            return self._book

    def _look(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._book = read(self._path)
        except SettingsError as error:
            log.warning("glossary not read again; the terms of before stay", error=str(error))
        else:
            log.info("glossary read again", file=str(self._path), terms=len(self._book))


def _stamp(path: Path) -> tuple[int, int] | None:
    """Another one for each version of the file, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
