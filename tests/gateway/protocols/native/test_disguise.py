"""What is streamed as if it were PCM is told by its name, and real speech is left alone."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from bridge.media import decode
from gateway.protocols.native.disguise import WINDOW_BYTES, Disguise, Finding

SPEECH = sorted((Path(__file__).parents[3] / "data" / "speech").glob("*.wav"))
PCM = {path.stem: b"".join(decode(path)) for path in SPEECH}
CLIP = PCM["go_forward"]


def found(audio: bytes, size: int = 640) -> Finding | None:
    """What a session in frames of `size` bytes is told."""
    disguise = Disguise()
    for at in range(0, len(audio), size):
        seen = disguise.feed(audio[at : at + size])
        if seen is not None or disguise.over:
            return seen
    return None


def recorded(form: str, codec: str, rate: int = 48_000, layout: str = "mono") -> bytes:
    """A second of sound in a container, as a recorder writes it."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream: av.AudioStream = container.add_stream(codec, rate=rate, layout=layout)  # type: ignore[assignment]  # by the codec
        samples = np.sin(np.arange(rate) * 0.05).astype(np.float32)[None, :].repeat(stream.channels, 0)
        frame = av.AudioFrame.from_ndarray(samples, "fltp", layout)
        frame.rate = rate
        resampler = av.AudioResampler(stream.format.name, layout, rate, stream.frame_size or 1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return file.getvalue()


def wav(channels: int = 1, rate: int = 16_000, bits: int = 16, encoding: int = 1, pcm: bytes = CLIP) -> bytes:
    size = channels * bits // 8
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, encoding, channels, rate, rate * size, size, bits)
    data = head + struct.pack("<4sI", b"data", len(pcm)) + pcm
    return struct.pack("<4sI4s", b"RIFF", 4 + len(data), b"WAVE") + data


@pytest.mark.parametrize(
    ("form", "codec", "named"),
    [
        ("webm", "libopus", "WebM (EBML)"),
        ("matroska", "libopus", "Matroska or WebM (EBML)"),
        ("ogg", "libopus", "Ogg Opus (OggS)"),
        ("flac", "flac", "FLAC (fLaC)"),
        ("mp3", "libmp3lame", "MP3 (ID3)"),
        ("mp4", "aac", "MP4 (ftyp)"),
        ("adts", "aac", "AAC (ADTS)"),
        ("aiff", "pcm_s16be", "AIFF (FORM)"),
        ("caf", "pcm_s16le", "CAF (caff)"),
        ("au", "pcm_s16be", "AU (.snd)"),
        ("wav", "pcm_s16le", "WAV (RIFF/WAVE: 48000 Hz, channels: 1, 16-bit integer)"),
    ],
)
def test_a_container_is_named_from_its_first_bytes(form: str, codec: str, named: str) -> None:
    assert found(recorded(form, codec)) == Finding(named, True)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_mp3_without_a_tag_is_told_by_its_frames(rate: int, layout: str) -> None:
    tagged = recorded("mp3", "libmp3lame", rate, layout)
    size = 10 + sum(byte << 7 * (3 - at) for at, byte in enumerate(tagged[6:10]))
    assert found(tagged[size:]) == Finding("MP3", True)


@pytest.mark.parametrize("size", [1, 7, 640, 100_000])
def test_a_container_is_named_however_small_its_frames_are(size: int) -> None:
    assert found(recorded("webm", "libopus"), size) == Finding("WebM (EBML)", True)
    assert found(wav(2, 44_100), size) == Finding(
        "WAV (RIFF/WAVE: 44100 Hz, channels: 2, 16-bit integer)", True
    )


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (wav(bits=32, encoding=3), "16000 Hz, channels: 1, 32-bit float"),
        (wav(bits=8, encoding=7, rate=8_000), "8000 Hz, channels: 1, 8-bit µ-law"),
        (wav(bits=4, encoding=17), "16000 Hz, channels: 1, 4-bit encoding 17"),
        (b"RIFF\0\0\0\0WAVE" + bytes(600), "RIFF/WAVE"),
        (b"RIFF\0\0\0\0AVI LIST", "RIFF/AVI"),
    ],
)
def test_a_wav_file_is_told_with_what_its_header_says(header: bytes, named: str) -> None:
    seen = found(header)
    assert seen is not None and seen.certain
    assert named in seen.seen


def test_a_wav_file_that_holds_just_what_is_expected_is_heard() -> None:
    assert found(wav()) is None


def samples(pcm: bytes) -> npt.NDArray[np.int16]:
    return np.frombuffer(pcm, "<i2")


WRONG: dict[str, Callable[[bytes], bytes]] = {
    "32-bit float": lambda pcm: (samples(pcm) / 32_768).astype("<f4").tobytes(),
    "64-bit float": lambda pcm: (samples(pcm) / 32_768).astype("<f8").tobytes(),
    "swapped": lambda pcm: samples(pcm).byteswap().tobytes(),
    "shifted by one": lambda pcm: pcm[1:-1],
    "base64": lambda pcm: (pcm.hex() * 2).encode(),
}


@pytest.mark.parametrize("clip", PCM)
@pytest.mark.parametrize("named", WRONG)
def test_speech_in_another_form_is_told_by_its_statistics(clip: str, named: str) -> None:
    seen = found(WRONG[named](PCM[clip]))
    assert seen is not None and not seen.certain
    assert named in seen.seen


def test_samples_of_8_bits_are_told_by_their_statistics() -> None:
    unsigned = (np.frombuffer(CLIP[1::2], np.int8).astype(np.int16) + 128).astype(np.uint8).tobytes()
    seen = found(unsigned)
    assert seen == Finding("8-bit samples, or G.711", False)


@pytest.mark.parametrize("clip", PCM)
@pytest.mark.parametrize("gain", [0.02, 1, 4])
def test_real_speech_is_left_alone_quiet_loud_and_clipped(clip: str, gain: float) -> None:
    louder = np.clip(samples(PCM[clip]) * gain, -32_768, 32_767).astype("<i2")
    assert found(louder.tobytes()) is None
    assert found((louder & ~255).tobytes()) is None  # once 8 bits, in 16-bit samples now


@pytest.mark.parametrize("level", [0, 1, 30, 1_000, 30_000])
def test_noise_and_silence_are_left_alone(level: int) -> None:
    noise = np.clip(np.random.default_rng(1).normal(0, level, 64_000), -32_768, 32_767)
    assert found(noise.astype("<i2").tobytes()) is None
    assert found(np.full(64_000, level, "<i2").tobytes()) is None


@pytest.mark.parametrize("offset", [-20_000, -300, -30, -3, 3, 30, 300, 20_000])
@pytest.mark.parametrize("level", [1, 10, 100])
def test_a_microphone_that_is_off_centre_is_left_alone(offset: int, level: int) -> None:
    noise = offset + np.random.default_rng(1).normal(0, level, 64_000)
    assert found(noise.astype("<i2").tobytes()) is None


def test_after_a_second_of_speech_nothing_is_looked_at_any_more() -> None:
    disguise = Disguise()
    for at in range(0, WINDOW_BYTES, 640):
        assert not disguise.over
        assert disguise.feed(CLIP[at : at + 640]) is None
    assert disguise.over


def test_silence_at_the_start_hides_nothing_and_noise_is_not_looked_at_for_ever() -> None:
    assert found(bytes(64_000) + WRONG["swapped"](CLIP)) is not None
    disguise, noise = Disguise(), np.random.default_rng(1).bytes(WINDOW_BYTES)
    assert sum(disguise.feed(noise) is None and not disguise.over for _ in range(100)) < 31
