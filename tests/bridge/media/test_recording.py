"""Sound through every format, rate and channel count a user may bring, and what is no sound."""

from __future__ import annotations

import random
import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from bridge import extras
from bridge.errors import AudioError
from bridge.media import decode, opened
from tests.bridge.media.sounds import pitch, written
from tests.hearing import rms

SPEECH = Path(__file__).parents[2] / "data" / "speech"


def length_ms(path: Path) -> float | None:
    with opened(path) as recording:
        return recording.duration_ms


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "m4a"])
def test_any_format_becomes_mono_at_16_khz(suffix: str, rate: int, channels: int, tmp_path: Path) -> None:
    if suffix == "ogg" and rate == 44_100:
        rate = 24_000  # Opus knows no 44.1 kHz
    path = written(tmp_path / f"tone.{suffix}", rate, channels)
    pcm = b"".join(decode(path))
    padding = 2 * 1_152 * 1_000 / rate  # encoders fill up to two of their frames
    assert abs(len(pcm) / 32 - 1_000) < padding
    assert abs(pitch(pcm, 16_000) - 440) < 3
    assert 5_500 < rms(pcm[8_000:-8_000]) < 8_500
    measured = length_ms(path)
    assert measured is not None and abs(measured - 1_000) < padding


def test_16_khz_wav_comes_through_bit_by_bit() -> None:
    path = SPEECH / "go_forward.wav"
    with wave.open(str(path)) as file:
        assert b"".join(decode(path)) == file.readframes(file.getnframes())
    assert length_ms(path) == pytest.approx(2_786.25)


def test_what_16_khz_cannot_hold_is_filtered_not_folded(tmp_path: Path) -> None:
    high = b"".join(decode(written(tmp_path / "high.wav", 48_000, 1, hertz=11_000)))
    assert rms(high[3_200:-3_200]) < 70  # 40 dB under the tone


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("nothing.wav", None, "no file"),
        ("empty.wav", b"", "is empty"),
        ("text.wav", b"hello world\n" * 500, "no sound track|cannot be read"),
        ("text.json", b'{"a": 1}', "cannot be read"),
        ("random.bin", random.Random(1).randbytes(200_000), "no sound track|cannot be read|decoded"),
        ("random.mp3", random.Random(1).randbytes(200_000), "cannot be read|decoded"),
        ("head.wav", (SPEECH / "go_forward.wav").read_bytes()[:44], "No sample"),
        ("half-head.wav", (SPEECH / "go_forward.wav").read_bytes()[:30], "cannot be read"),
    ],
)
def test_what_is_no_sound_is_refused_with_its_reason(
    name: str, content: bytes | None, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AudioError, match=reason) as raised:
        list(decode(path))
    assert str(path) in raised.value.message
    assert raised.value.hint


def test_picture_has_no_sound_track(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=1)
        stream.width = stream.height = 16
        stream.pix_fmt = "rgb24"
        picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        for part in (picture, None):
            container.mux(stream.encode(part))
    with pytest.raises(AudioError, match="no sound track"):
        list(decode(path))


def test_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="is a folder"):
        length_ms(tmp_path)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
def test_file_cut_in_the_middle_gives_its_first_half(suffix: str, tmp_path: Path) -> None:
    path = written(tmp_path / f"cut.{suffix}", 48_000, 1, seconds=10)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    pcm = b"".join(decode(path))
    assert 3_000 < len(pcm) / 32 < 6_000
    assert abs(pitch(pcm, 16_000) - 440) < 3


def test_recordings_joined_into_one_file_are_all_heard(tmp_path: Path) -> None:
    stereo, mono = written(tmp_path / "a.mp3", 44_100, 2), written(tmp_path / "b.mp3", 16_000, 1)
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(stereo.read_bytes() + mono.read_bytes())
    pcm = b"".join(decode(joined))
    assert abs(len(pcm) / 32 - 2_000) < 250
    assert abs(pitch(pcm, 16_000) - 440) < 3


def test_damaged_packet_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "damaged.flac", 48_000, 1, seconds=10)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2_000] = random.Random(2).randbytes(2_000)
    path.write_bytes(content)
    assert 9_000 < len(b"".join(decode(path))) / 32 <= 10_000


def test_missing_decoder_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(AudioError) as raised:
        list(decode(SPEECH / "go_forward.wav"))
    assert raised.value.hint == extras.install("client")
