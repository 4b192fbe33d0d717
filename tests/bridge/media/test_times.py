"""The times of speech are the presentation times of the file, gaps and late beginnings included."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import numpy as np
import pytest

from bridge.media import opened
from bridge.media.timeline import Timeline
from bridge.types import SAMPLE_BYTES, SPEECH_RATE, Block
from tests.bridge.media.sounds import film, pitch, plain_wav, tone, written
from tests.hearing import rms


def blocks(path: Path) -> list[Block]:
    with opened(path) as recording:
        return list(recording.blocks())


def loud(found: list[Block]) -> list[tuple[float, float]]:
    """From when to when something is heard, in seconds, joined where blocks follow each other."""
    spans: list[tuple[float, float]] = []
    for block in found:
        begin, end = block.at_ms / 1000, block.at_ms / 1000 + len(block.pcm) / SAMPLE_BYTES / SPEECH_RATE
        if rms(block.pcm) < 1000:
            continue
        if spans and abs(spans[-1][1] - begin) < 0.01:
            begin = spans.pop()[0]
        spans.append((begin, end))
    return spans


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov", "ts"])
def test_sound_that_begins_after_the_picture_keeps_its_time(suffix: str, tmp_path: Path) -> None:
    found = blocks(film(tmp_path / f"film.{suffix}", [(tone(440, 48_000), 5.0)]))
    [(begin, end)] = loud(found)
    assert begin == pytest.approx(5, abs=0.06)
    assert end == pytest.approx(6, abs=0.06)


@pytest.mark.parametrize("suffix", ["mkv", "webm", "mp4"])
def test_silence_of_a_film_without_a_picture_counts_too(suffix: str, tmp_path: Path) -> None:
    [(begin, _)] = loud(blocks(film(tmp_path / f"sound.{suffix}", [(tone(440, 48_000), 3.0)], picture=False)))
    assert begin == pytest.approx(3, abs=0.06)


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts"])
def test_gap_within_a_track_moves_what_follows(suffix: str, tmp_path: Path) -> None:
    path = film(tmp_path / f"gap.{suffix}", [(tone(440, 48_000, 2), 0.0)], gap=(1.0, 7.0))
    (begin, end), (again, over) = loud(blocks(path))
    assert [begin, end, again, over] == pytest.approx([0, 1, 8, 9], abs=0.15)


def test_long_gap_is_told_not_sent(tmp_path: Path) -> None:
    found = blocks(film(tmp_path / "late.mkv", [(tone(440, 48_000), 40.0)]))
    assert sum(len(block.pcm) for block in found) / SAMPLE_BYTES / SPEECH_RATE < 3.1
    assert loud(found)[0][0] == pytest.approx(40, abs=0.06)


def test_broadcast_counts_from_its_own_beginning(tmp_path: Path) -> None:
    found = blocks(film(tmp_path / "cut.ts", [(tone(440, 48_000), 3600.0)], picture=False))
    assert found[0].at_ms == 0


def test_blocks_follow_each_other_without_drift(tmp_path: Path) -> None:
    found = blocks(written(tmp_path / "long.ogg", 48_000, 2, seconds=20))
    for before, after in itertools.pairwise(found):
        assert after.at_ms == pytest.approx(before.at_ms + len(before.pcm) / 32, abs=1)
    assert found[-1].at_ms + len(found[-1].pcm) / 32 == pytest.approx(20_000, abs=30)


def test_edit_list_that_leaves_out_the_beginning_is_kept_to(tmp_path: Path) -> None:
    """The run-in of an AAC encoder, 1024 samples, is left out by the edit list of an mp4."""
    with_run_in = blocks(film(tmp_path / "tone.mp4", [(tone(440, 48_000), 0.0)], picture=False))
    assert loud(with_run_in)[0][0] == pytest.approx(0, abs=0.005)
    assert rms(with_run_in[0].pcm[:640]) > 5_000


def test_edit_list_that_cuts_into_the_film_is_kept_to(tmp_path: Path) -> None:
    both = np.concatenate([tone(440, 48_000, 2), tone(1_000, 48_000)])
    path = film(tmp_path / "cut.mp4", [(both, 0.0)], picture=False)
    content = bytearray(path.read_bytes())
    at = content.index(b"elst") + 12  # behind version and number of edits: length, begin, rate
    length, begin = struct.unpack_from(">Ii", content, at)
    struct.pack_into(">Ii", content, at, length - 2_000, begin + 2 * 48_000)
    path.write_bytes(content)
    found = blocks(path)
    assert found[0].at_ms == 0
    assert sum(len(block.pcm) for block in found) / 32 == pytest.approx(1_000, abs=40)
    assert abs(pitch(b"".join(block.pcm for block in found), 16_000) - 1_000) < 3


def test_empty_edit_delays_the_sound(tmp_path: Path) -> None:
    """`film` writes a late track of an mp4 as an empty edit; its length by the header counts it."""
    path = film(tmp_path / "edit.mp4", [(tone(440, 48_000), 2.5)])
    with opened(path) as recording:
        assert recording.duration_ms == pytest.approx(3_500, abs=80)


def test_piece_on_time_or_nearly_has_no_gap() -> None:
    timeline = Timeline(10.0, None)
    for number in range(100):
        jitter = (-1) ** number * 0.015
        assert timeline.gap(10 + number * 0.02 + jitter) == 0
        timeline.advance(0.02)
    assert timeline.now == pytest.approx(2.0)


def test_drift_moves_the_time_and_adds_no_silence() -> None:
    timeline = Timeline(0, None)
    for number in range(1_000):
        assert timeline.gap(number * 0.101) == 0
        timeline.advance(0.1)
    assert timeline.now == pytest.approx(101, abs=0.15)


def test_times_that_begin_again_are_counted_on() -> None:
    timeline = Timeline(0, None)
    timeline.advance(60)
    assert timeline.gap(0.0) == 0
    assert timeline.now == 60
    timeline.advance(1)
    assert timeline.gap(3.0) == 2.0
    assert timeline.now == 63


@pytest.mark.parametrize(("end", "time"), [(100.0, 5_000.0), (None, 9e9)])
def test_time_far_behind_the_end_is_not_believed(end: float | None, time: float) -> None:
    timeline = Timeline(0, end)
    timeline.advance(5)
    assert timeline.gap(time) == 0
    assert timeline.now == 5
    assert timeline.gap(time) == 0
    assert timeline.now == 5


def test_piece_without_a_time_follows() -> None:
    timeline = Timeline(0, None)
    timeline.advance(1.5)
    assert timeline.gap(None) == 0
    assert timeline.now == 1.5


def test_plain_file_begins_at_zero(tmp_path: Path) -> None:
    samples = np.repeat(tone(440, 16_000).reshape(-1, 1), 2, axis=1)
    found = blocks(plain_wav(tmp_path / "plain.wav", samples))
    assert found[0].at_ms == 0
    assert [block.at_ms for block in found] == sorted(block.at_ms for block in found)
