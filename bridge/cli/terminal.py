"""The terminal as it is: without some letters, behind a pipe that closes early, on a disk that is full."""

from __future__ import annotations

import codecs
import errno
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

SPELT = {"→": "->", "…": "...", "✓": "+", "✗": "x", "━": "-"}
"""Our own signs where a terminal lacks them. Other letters are written as \\uXXXX: nothing is left out."""


def as_json(value: Any) -> str:
    """One line of JSON that standard output can hold, whatever letters or broken file names are in it."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def is_read() -> bool:
    """Whether somebody still takes what is printed, for what would go on for ever."""
    outlet = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return not (isinstance(outlet, Outlet) and outlet.lost)


@contextmanager
def steadied() -> Iterator[None]:
    """Lets a verb do its work to the end whatever becomes of what it prints.

    A reader that leaves early, as `head -1` does, is told once on stderr and harms nothing. Output that
    cannot be written for another reason makes the exit code 1, at the end.
    """
    codecs.register_error("spelt", _spelt)
    if not os.environ.get("COLUMNS", "80").isdigit() or os.environ.get("COLUMNS") == "0":
        del os.environ["COLUMNS"]  # a table of no width would print nothing
    before = sys.stdout, sys.stderr
    outlets = [_outlet(sys.stdout, 1), _outlet(sys.stderr, 2)]
    sys.stdout, sys.stderr = (outlet.stream() for outlet in outlets)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        # Not closed: a thread that still logs would meet a closed file.
        sys.stdout, sys.stderr = before
        if outlets[0].broken:
            sys.exit(1)


def _outlet(stream: TextIO | None, number: int) -> Outlet:
    """What stands behind standard output or standard error; where it was closed, nothing does."""
    try:
        number = stream.fileno() if stream is not None else os.open(os.devnull, os.O_WRONLY)
    except (OSError, ValueError):
        number = os.dup(number)
    if stream is not None:
        stream.flush()
    return Outlet(number, stream.encoding if stream is not None else "utf-8", is_error=number == 2)


class Outlet(io.FileIO):
    """A file descriptor that takes everything; what cannot be written any more is dropped and told once."""

    def __init__(self, number: int, encoding: str, *, is_error: bool) -> None:
        super().__init__(number, "w", closefd=False)
        self.broken = False
        self.lost = False
        self._encoding = encoding
        self._is_error = is_error

    def stream(self) -> TextIO:
        """Text into it, in lines where a person reads."""
        by_line = self._is_error or self.isatty()
        return io.TextIOWrapper(
            io.BufferedWriter(self), self._encoding, "spelt", line_buffering=by_line, write_through=False
        )

    def write(self, data: Any) -> int:
        """Takes all of it, or what the descriptor takes at once."""
        if not self.lost:
            try:
                return super().write(data)
            except OSError as error:
                self.lost = True
                self._tell(error)
        return len(data)

    def _tell(self, error: OSError) -> None:
        if self._is_error:
            return
        if error.errno == errno.EPIPE:
            sys.stderr.write("warning: nobody reads the output any more, what follows is not shown\n")
        else:
            self.broken = True
            sys.stderr.write(f"error: the output cannot be written: {error.strerror}\n")


def _spelt(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    spelt = (SPELT.get(each) or each.encode("ascii", "backslashreplace").decode() for each in missing)
    return "".join(spelt), error.end
