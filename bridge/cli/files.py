"""Writes the results of recordings: each is whole whenever it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bridge.errors import BridgeError


def write_whole(path: Path, content: Callable[[Path], object]) -> None:
    """Lets `content` write a file, which gets its name when it is whole. Raises BridgeError."""
    part = path.with_name(f".{path.name}.part")
    with writing(path.parent):
        try:
            content(part)
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Makes of an OSError a BridgeError that names what cannot be written."""
    try:
        yield
    except OSError as error:
        raise BridgeError(
            f"{error.filename or folder} cannot be written: {error.strerror}.",
            "Give another folder with -o.",
            code="bad_output",
        ) from None
