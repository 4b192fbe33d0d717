"""The folder that one process at a time works in."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bridge.errors import BridgeError

ELSEWHERE = "Set DATA_DIR to a writable folder."


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds `folder` for this process; the kernel lets go however the process ends.

    Raises BridgeError while another process holds it, and where it cannot be written.
    """
    make_folder(folder)
    with _opened(folder / "lock") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise BridgeError(
                f"Another speechbridge is running in {folder} (process {file.read().strip()}).",
                "Stop it first, or give this one a folder of its own: DATA_DIR=other-folder.",
                code="already_running",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _opened(lock: Path) -> TextIO:
    try:
        return lock.open("a+")
    except OSError as error:
        raise BridgeError(f"{lock} cannot be written: {error.strerror}.", ELSEWHERE) from None


def make_folder(folder: Path) -> None:
    """Makes `folder` with its parents. Raises BridgeError where that is not allowed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BridgeError(f"The folder {folder} cannot be made: {error.strerror}.", ELSEWHERE) from None


def new_folder(parent: Path) -> Path:
    """Makes a folder of a new name in `parent`. Raises BridgeError where that is not allowed."""
    make_folder(parent)
    try:
        return Path(tempfile.mkdtemp(dir=parent))
    except OSError as error:
        raise BridgeError(f"{parent} cannot be written: {error.strerror}.", ELSEWHERE) from None
