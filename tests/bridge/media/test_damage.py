"""Damaged files of eight containers: each is heard as far as it can be, or refused in a sentence, in time."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.cli.hearing import Heard
from bridge.errors import AudioError
from bridge.media.source import Seekable, source
from tests.bridge.media.sounds import film, tone, written

CONTAINERS = ("wav", "flac", "mp3", "ogg", "m4a", "webm", "mkv", "ts", "aiff", "mov")
SECONDS = 10.0
"""No damaged file of two seconds may take longer."""
LONGEST_MS = 120_000.0
"""Nor become longer than this, however its header lies: silence for gaps included."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A sound file of two seconds in each container."""
    folder = tmp_path_factory.mktemp("whole")
    made = {}
    for suffix in CONTAINERS:
        path = folder / f"whole.{suffix}"
        if suffix in ("webm", "mkv", "ts", "mov"):
            film(path, [(tone(440, 48_000, 2), 0.0)], picture=suffix != "webm")
        else:
            written(path, 48_000, 2, seconds=2)
        made[suffix] = path.read_bytes()
    return made


def damaged(content: bytes, seed: int) -> bytes:
    """What flash cards, transfers and bad tools do to a file; headers are hit more often than the rest."""
    chance = random.Random(seed)
    made = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        end = len(made) if chance.random() < 0.4 else min(len(made), chance.choice([64, 512, 4096]))
        at = chance.randrange(max(1, end))
        match chance.randrange(7):
            case 0:
                made[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                made[at : at + 4] = chance.choice([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\x80\0\0\0"])
            case 2:
                size = chance.randrange(1, 2_000)
                made[at : at + size] = chance.randbytes(size)
            case 3:
                del made[at : at + chance.randrange(1, 2_000)]
            case 4:
                made[at:at] = made[chance.randrange(len(made)) :][: chance.randrange(1, 3_000)]
            case 5:
                made[at] ^= 1 << chance.randrange(8)
            case 6 if chance.random() < 0.3:
                del made[max(at, 16) :]
        made = made or bytearray(b"\0")
    return bytes(made)


def outcomes(whole: dict[str, bytes], seeds: Iterator[int], folder: Path) -> Counter[str]:
    """How many were heard and how many refused; anything else fails."""
    found: Counter[str] = Counter()
    for number in seeds:
        suffix = CONTAINERS[number % len(CONTAINERS)]
        path = folder / f"{number}.{suffix}"
        path.write_bytes(damaged(whole[suffix], number))
        began = time.monotonic()
        heard = Heard(path, "en")
        try:
            heard.look()
            length = sum(len(block.pcm) for block in heard.blocks()) / 32
            assert length < LONGEST_MS, f"{number} became {length} ms"
            found["heard"] += 1
        except AudioError as error:
            assert error.hint
            found["refused"] += 1
        assert time.monotonic() - began < SECONDS, f"{number} took {time.monotonic() - began} s"
        path.unlink()
    return found


def test_damaged_files_are_heard_or_refused(
    whole: dict[str, bytes], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = outcomes(whole, iter(range(30)), tmp_path)
    assert capfd.readouterr() == ("", "")
    assert found["heard"] > 10
    assert found.total() == 30


def test_place_that_no_file_has_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "some.wav"
    path.write_bytes(bytes(100))
    with source(path) as content:
        assert isinstance(content, Seekable)
        assert content.seek(-5) == content.seek(2**70) == -1
        assert content.seek(10) == 10


@pytest.mark.slow
def test_a_thousand_damaged_files_are_heard_or_refused(
    whole: dict[str, bytes], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = outcomes(whole, iter(range(1_000, 2_000)), tmp_path)
    assert capfd.readouterr() == ("", ""), "what the decoder's libraries print is no message of ours"
    assert found.total() == 1_000
    assert found["refused"] > 50
    assert found["heard"] > 500
