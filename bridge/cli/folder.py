"""The folder that one process at a time works in."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.errors import BridgeError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds `folder` for this process; the kernel lets go however the process ends.

    Raises BridgeError while another process holds it.
    """
    make_folder(folder)
    with (folder / "lock").open("a+") as file:
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


def make_folder(folder: Path) -> None:
    """Makes `folder` with its parents. Raises BridgeError where that is not allowed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BridgeError(
            f"The folder {folder} cannot be made: {error.strerror}.", "Set DATA_DIR to a writable folder."
        ) from None
