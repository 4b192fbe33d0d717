"""The bytes of a recording: a file, whatever its name, or a pipe that is read once while it comes."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.errors import AudioError

STDIN = Path("-")
"""Stands for what is piped into the command; a file of that name is reached by its whole path."""
READABLE = "Give a file with sound in it: wav, flac, mp3, ogg, opus, m4a or webm."
PIPED = f"{READABLE} Of a pipe also mkv and ts; an mp4 with its index at the end must be a file."


def is_stream(path: Path) -> bool:
    """Whether the recording can be read only once: standard input, a FIFO, a process substitution."""
    if path == STDIN:
        return True
    try:
        kind = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(kind) or stat.S_ISCHR(kind) or stat.S_ISSOCK(kind)


def name_of(path: Path) -> Path:
    """What results of a recording are named after."""
    return Path("stdin") if path == STDIN else path


class Bytes:
    """A source for the demuxer, which guesses formats by `name` too, and takes no other file name for a URL.

    What cannot be wound back has no `seek`, and a read gives what there is. `options` are the demuxer's.
    """

    remedy = READABLE

    def __init__(self, file: io.FileIO, suffix: str) -> None:
        self.name = f"recording{suffix}" if suffix.isascii() else "recording"
        self.read: Callable[[int], bytes | None] = file.read
        self.options: dict[str, str] = {}


class Pipe(Bytes):
    """What comes from a program, and is heard while it comes."""

    remedy = PIPED

    def __init__(self, file: io.FileIO, suffix: str) -> None:
        super().__init__(file, suffix)
        self._file = file
        self._begin = file.read(4)
        self.empty = not self._begin
        self.read = self._read
        if self._begin in (b"RIFF", b"RF64"):
            # Otherwise 400 kB, 13 s of speech, are searched for other codecs that wav may disguise.
            self.options = {"probesize": "2048"}

    def _read(self, size: int) -> bytes | None:
        begin, self._begin = self._begin, b""
        return begin or self._file.read(size)


class Seekable(Bytes):
    """A file, which may still grow while it is read."""

    def __init__(self, file: io.FileIO, suffix: str) -> None:
        super().__init__(file, suffix)
        self._file = file
        self.tell = file.tell

    def seek(self, offset: int, whence: int = 0) -> int:
        """Where that leads; -1 for a place that no file has, which damaged ones name."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, OverflowError):
            return -1


@contextmanager
def source(path: Path) -> Iterator[Bytes]:
    """Opens a recording for the demuxer. Raises AudioError for what is not there, empty or not for us."""
    try:
        file = _standard_input() if path == STDIN else io.FileIO(path)
    except FileNotFoundError:
        raise AudioError(f"There is no file {path}.", "Check the path.") from None
    except IsADirectoryError:
        raise AudioError(f"{path} is a folder.", "Name the files in it that are to be heard.") from None
    except (OSError, ValueError) as error:
        raise AudioError(f"{path} cannot be read: {_reason(error)}.", READABLE) from None
    with file:
        found = os.fstat(file.fileno())
        if stat.S_ISREG(found.st_mode):
            if found.st_size == 0:
                raise AudioError(f"{path} is empty.", READABLE)
            yield Seekable(file, path.suffix)
        else:
            pipe = Pipe(file, path.suffix)
            if pipe.empty:
                raise AudioError(f"{name_of(path)} is empty: nothing was written into it.", PIPED)
            yield pipe


def _standard_input() -> io.FileIO:
    if os.isatty(0):
        raise AudioError(
            "Nothing is piped into standard input.", "Pipe a recording in: … | speechbridge translate -"
        )
    return io.FileIO(0, closefd=False)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
