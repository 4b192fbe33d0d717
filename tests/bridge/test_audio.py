"""Sound through every format, rate and channel count a user may bring, and what is no sound."""

from __future__ import annotations

import io
import random
import sys
import wave
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.audio.stream import AudioStream

from bridge import extras
from bridge.audio import Resampler, decode, duration_ms, frames, wav
from bridge.errors import AudioError
from bridge.types import Audio
from tests.hearing import resample, rms

SPEECH = Path(__file__).parents[1] / "data" / "speech"
CODECS = {
    "wav": ("pcm_s16le", "s16"),
    "flac": ("flac", "s16"),
    "mp3": ("libmp3lame", "s16p"),
    "ogg": ("libopus", "s16"),
    "m4a": ("aac", "fltp"),
}


def tone(hertz: float, rate: int, seconds: float = 1.0) -> npt.NDArray[np.int16]:
    return (np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate) * 10_000).astype("<i2")


def pitch(pcm: bytes, rate: int) -> float:
    """The strongest frequency in Hz."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(spectrum)) * rate / samples.size


def written(path: Path, rate: int, channels: int, hertz: float = 440, seconds: float = 1.0) -> Path:
    """An audio file in the format of its suffix."""
    samples = np.repeat(tone(hertz, rate, seconds), channels).reshape(1, -1)
    layout = "stereo" if channels == 2 else "mono"
    codec, form = CODECS[path.suffix[1:]]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
    frame.rate, frame.time_base = rate, Fraction(1, rate)
    with av.open(str(path), "w") as container:
        stream = cast(AudioStream, container.add_stream(codec, rate=rate, layout=layout))
        stream.codec_context.open()
        size = stream.codec_context.frame_size or None
        resampler = av.AudioResampler(format=form, layout=layout, rate=rate, frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    return path


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("suffix", CODECS)
def test_any_format_becomes_mono_at_16_khz(suffix: str, rate: int, channels: int, tmp_path: Path) -> None:
    if suffix == "ogg" and rate == 44_100:
        rate = 24_000  # Opus knows no 44.1 kHz
    path = written(tmp_path / f"tone.{suffix}", rate, channels)
    pcm = b"".join(decode(path))
    padding = 2 * 1_152 * 1_000 / rate  # encoders fill up to two of their frames
    assert abs(len(pcm) / 32 - 1_000) < padding
    assert abs(pitch(pcm, 16_000) - 440) < 3
    assert 5_500 < rms(pcm[8_000:-8_000]) < 8_500
    measured = duration_ms(path)
    assert measured is not None and abs(measured - 1_000) < padding


def test_16_khz_wav_comes_through_bit_by_bit() -> None:
    path = SPEECH / "go_forward.wav"
    with wave.open(str(path)) as file:
        assert b"".join(decode(path)) == file.readframes(file.getnframes())
    assert duration_ms(path) == pytest.approx(2_786.25)


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
    with pytest.raises(AudioError, match="no file"):
        duration_ms(tmp_path)


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


def test_wav_can_be_read_back() -> None:
    audio = Audio(tone(440, 22_050).tobytes(), 22_050)
    with wave.open(io.BytesIO(wav(audio))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22_050)
        assert file.readframes(file.getnframes()) == audio.pcm


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
