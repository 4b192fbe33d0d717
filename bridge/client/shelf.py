"""Finished speech laid aside on disk, so that hours of it need no memory."""

from __future__ import annotations

import os
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path

from bridge.types import SAMPLE_BYTES


class Shelf:
    """A file without a name, which is gone with the last that refers to it."""

    def __init__(self) -> None:
        """Raises OSError where nothing can be written."""
        file, path = tempfile.mkstemp(prefix="speechbridge-")
        Path(path).unlink()
        self._file = file
        self._end = 0
        weakref.finalize(self, os.close, file)

    def put(self, pcm: bytes | bytearray, rate: int) -> Shelved:
        """Lays speech down. Raises OSError where the disk is full."""
        at, self._end = self._end, self._end + len(pcm)
        rest = memoryview(pcm)
        while rest:
            rest = rest[os.pwrite(self._file, rest, self._end - len(rest)) :]
        return Shelved(self, at, len(pcm), rate)

    def read(self, at: int, size: int) -> bytes:
        """Raises OSError."""
        return os.pread(self._file, size, at)


@dataclass(frozen=True, slots=True)
class Shelved:
    """Speech on a shelf, like bridge.types.Audio; its samples are read each time that they are asked for."""

    shelf: Shelf
    at: int
    size: int
    rate: int

    @property
    def pcm(self) -> bytes:
        return self.shelf.read(self.at, self.size)

    @property
    def samples(self) -> int:
        return self.size // SAMPLE_BYTES
