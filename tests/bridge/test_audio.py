"""Sound inside the system: rates and pieces."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.audio import Resampler, frames
from bridge.types import Audio
from tests.bridge.media.sounds import pitch, tone
from tests.hearing import resample, rms


@pytest.mark.parametrize(("given", "wanted"), [(22_050, 24_000), (22_050, 8_000), (16_000, 48_000)])
def test_resampling_keeps_length_pitch_and_loudness(given: int, wanted: int) -> None:
    audio = Audio(tone(440, given).tobytes(), given)
    changed = resample(audio, wanted)
    assert changed.rate == wanted
    assert abs(changed.ms - 1_000) < 1
    assert abs(pitch(changed.pcm, wanted) - 440) < 2
    assert rms(changed.pcm) == pytest.approx(rms(audio.pcm), rel=0.02)


def test_same_rate_is_left_alone() -> None:
    audio = Audio(tone(440, 24_000).tobytes(), 24_000)
    assert resample(audio, 24_000) == audio


@pytest.mark.parametrize("samples", [1, 100, 441, 4_410])
def test_stream_in_pieces_sounds_like_the_whole(samples: int) -> None:
    audio = Audio(tone(440, 22_050).tobytes(), 22_050)
    stream = Resampler(22_050, 24_000)
    size = samples * 2
    pieces = [stream.feed(audio.pcm[start : start + size]) for start in range(0, len(audio.pcm), size)]
    pieces.append(stream.feed(b"", last=True))
    whole = np.frombuffer(resample(audio, 24_000).pcm, "<i2").astype(int)
    joined = np.frombuffer(b"".join(pieces), "<i2").astype(int)
    assert joined.size == whole.size
    assert np.abs(joined - whole).max() <= 2


def test_resampler_holds_back_little_and_loses_nothing() -> None:
    stream = Resampler(22_050, 24_000)
    first = stream.feed(tone(440, 22_050, 0.2).tobytes())
    rest = stream.feed(b"", last=True)
    assert 0 < len(rest) <= 24_000 * 2 * 0.045
    assert len(first) + len(rest) == 4_800 * 2


def test_stream_without_a_sample_gives_none() -> None:
    assert Resampler(22_050, 24_000).feed(b"", last=True) == b""


def test_frames_are_of_equal_length_but_the_last() -> None:
    pcm = bytes(range(256)) * 10
    pieces = list(frames(pcm, 16_000))
    assert [len(piece) for piece in pieces] == [640, 640, 640, 640]
    assert [len(piece) for piece in frames(pcm, 16_000, ms=30)] == [960, 960, 640]
    assert b"".join(pieces) == pcm
    assert list(frames(b"", 16_000)) == []


def test_loudness_of_silence_a_tone_and_a_square() -> None:
    assert rms(b"") == rms(bytes(100)) == 0
    assert rms(tone(440, 16_000).tobytes()) == pytest.approx(10_000 / 2**0.5, rel=0.01)
    assert rms(np.array([32_767, -32_768] * 50, "<i2").tobytes()) == pytest.approx(32_767.5, rel=1e-4)
