"""Pipes are read once while they come, and a file name is a file name."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bridge.errors import AudioError
from bridge.media import STDIN, decode, is_stream, name_of, opened
from tests.bridge.media.sounds import film, pitch, tone, written

SPEECH = Path(__file__).parents[2] / "data" / "speech" / "go_forward.wav"


@contextmanager
def writing(fifo: Path, *pieces: bytes, wait: threading.Event | None = None) -> Iterator[None]:
    """Writes into a FIFO from another thread; waits before the last piece."""

    def write() -> None:
        with fifo.open("wb", buffering=0) as pipe:
            for piece in pieces[:-1]:
                pipe.write(piece)
            if wait is not None:
                wait.wait(10)
            with suppress(BrokenPipeError):
                pipe.write(pieces[-1])

    thread = threading.Thread(target=write)
    thread.start()
    yield
    thread.join()


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "pipe.wav"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "webm", "mkv", "ts"])
def test_pipe_gives_what_the_file_does(suffix: str, fifo: Path, tmp_path: Path) -> None:
    make = tmp_path / f"tone.{suffix}"
    sounds = [(tone(440, 48_000), 0.0)]
    path = film(make, sounds, picture=False) if suffix in ("webm", "mkv", "ts") else written(make, 48_000, 1)
    with writing(fifo, path.read_bytes()):
        pcm = b"".join(decode(fifo))
    assert abs(len(pcm) - len(b"".join(decode(path)))) < 3_200
    assert abs(pitch(pcm, 16_000) - 440) < 3


def test_speech_is_given_before_the_pipe_ends(fifo: Path) -> None:
    content = SPEECH.read_bytes()
    more = threading.Event()
    with writing(fifo, content[:80_000], content[80_000:], wait=more), opened(fifo) as recording:
        blocks = recording.blocks()
        heard = 0
        while heard < 70_000:
            heard += len(next(blocks).pcm)
        assert not more.is_set()
        more.set()
        rest = sum(len(block.pcm) for block in blocks)
    assert heard + rest == len(content) - 44


def test_index_at_the_end_cannot_be_had_from_a_pipe_and_the_remedy_is_told(
    fifo: Path, tmp_path: Path
) -> None:
    path = film(tmp_path / "film.mp4", [(tone(440, 48_000, 5), 0.0)])
    with pytest.raises(AudioError) as caught, writing(fifo, path.read_bytes(), b""):
        list(decode(fifo))
    assert "index at the end must be a file" in caught.value.hint


def test_pipe_into_which_nothing_is_written_is_told(fifo: Path) -> None:
    with pytest.raises(AudioError, match="is empty"), writing(fifo, b""):
        list(decode(fifo))


def test_standard_input_is_a_stream_named_as_such() -> None:
    assert is_stream(STDIN)
    assert name_of(STDIN) == Path("stdin")
    assert not is_stream(SPEECH)
    assert not is_stream(Path("/nowhere/at/all"))


@pytest.mark.parametrize(
    "name",
    ["rec:part1.wav", "2026-11-26T10:30:00.wav", "http:a.wav", "file:x.wav", "-", "a%03d.wav", "ñ 語?#.wav",
     "concat:a|b", "cache:q", "x" * 200, "new\nline.wav", "\udcff.wav"],
)  # fmt: skip
def test_file_name_is_a_file_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(SPEECH.read_bytes())
    assert len(b"".join(decode(path))) == SPEECH.stat().st_size - 44


def test_file_that_grows_while_it_is_read_is_heard_to_its_end(tmp_path: Path) -> None:
    content = SPEECH.read_bytes()
    path = tmp_path / "growing.wav"
    path.write_bytes(content[:50_000])
    with opened(path) as recording, path.open("ab") as growing:
        blocks = recording.blocks()
        heard = len(next(blocks).pcm)
        growing.write(content[50_000:])
        growing.flush()
        heard += sum(len(block.pcm) for block in blocks)
    assert heard == len(content) - 44


def test_unreadable_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="is a folder"):
        list(decode(tmp_path))
    with pytest.raises(AudioError, match="cannot be read"):
        list(decode(Path("nul\0byte.wav")))
    with pytest.raises(AudioError, match="cannot be read"):
        list(decode(tmp_path / ("x" * 300)))


def test_constant_memory_for_a_long_pipe(fifo: Path) -> None:
    """Five minutes of sound through a pipe: what is held does not grow with it."""
    import tracemalloc

    header = SPEECH.read_bytes()[:40] + b"\xff\xff\xff\xff"
    minute = bytes(16_000 * 2 * 60)
    began = time.monotonic()
    with writing(fifo, header, *[minute] * 5):
        tracemalloc.start()
        total = sum(len(piece) for piece in decode(fifo))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert total == len(minute) * 5
    assert most < 4_000_000
    assert time.monotonic() - began < 30
