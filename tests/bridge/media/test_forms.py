"""Odd recordings: sample formats, telephone codecs, headers that are wrong, 4 GB, no length."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import AudioError
from bridge.media import decode, opened
from tests.bridge.media.sounds import CODECS, film, pitch, plain_wav, tone, written
from tests.hearing import rms

TONE = tone(440, 16_000)
LOUD = rms(TONE.tobytes())


def heard(path: Path) -> bytes:
    return b"".join(decode(path))


def of_24_bits() -> npt.NDArray[np.void]:
    """Samples of three bytes."""
    wide = (TONE.astype("<i4") << 8).reshape(-1, 1).view(np.uint8).reshape(-1, 4)[:, :3]
    return np.ascontiguousarray(wide).view("V3")


@pytest.mark.parametrize(
    ("samples", "tag"),
    [
        (((TONE >> 8) + 128).astype(np.uint8).reshape(-1, 1), 1),
        (of_24_bits(), 1),
        ((TONE.astype("<i4") << 16).reshape(-1, 1), 1),
        ((TONE / 32_768).astype("<f4").reshape(-1, 1), 3),
        ((TONE / 32_768).astype("<f8").reshape(-1, 1), 3),
    ],
    ids=["8 bits", "24 bits", "32 bits", "float", "double"],
)
def test_samples_of_any_type_are_as_loud(samples: npt.NDArray[Any], tag: int, tmp_path: Path) -> None:
    pcm = heard(plain_wav(tmp_path / "odd.wav", samples, tag=tag))
    assert len(pcm) == TONE.size * 2
    assert rms(pcm) == pytest.approx(LOUD, rel=0.02)
    assert abs(pitch(pcm, 16_000) - 440) < 2


def test_float_samples_that_are_no_numbers_or_too_large_are_heard_as_they_can(tmp_path: Path) -> None:
    samples = np.array([np.nan, np.inf, -np.inf, 7.0, -7.0, 0.5] * 2_000, "<f4").reshape(-1, 1)
    values = set(np.frombuffer(heard(plain_wav(tmp_path / "wild.wav", samples, tag=3)), "<i2").tolist())
    assert values == {0, 32_767, -32_768, 16_384}


@pytest.mark.parametrize(
    ("codec", "suffix", "rate"),
    [
        ("pcm_alaw", "wav", 8_000),
        ("pcm_mulaw", "wav", 8_000),
        ("pcm_mulaw", "au", 8_000),
        ("adpcm_ima_wav", "wav", 8_000),
        ("ac3", "ac3", 48_000),
    ],
)
def test_codecs_of_telephones_and_dictation_are_heard(
    codec: str, suffix: str, rate: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"ac3": "fltp", "adpcm_ima_wav": "s16p"}.get(codec, "s16")
    monkeypatch.setitem(CODECS, suffix, (codec, form))
    pcm = heard(written(tmp_path / f"call.{suffix}", rate, 1))
    assert abs(len(pcm) / 32 - 1_000) < 80
    assert abs(pitch(pcm, 16_000) - 440) < 5


def test_narrow_band_amr_is_heard(tmp_path: Path) -> None:
    """Nothing here writes AMR: frames of 4.75 kbit/s comfort are enough to see that it is read."""
    path = tmp_path / "call.amr"
    path.write_bytes(b"#!AMR\n" + (b"\x04" + bytes(range(12))) * 100)
    assert len(heard(path)) / 32 == pytest.approx(2_000, abs=25)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 10_000_000])
def test_length_in_a_wav_header_that_is_wrong_is_not_believed(size: int, tmp_path: Path) -> None:
    path = plain_wav(tmp_path / "live.wav", TONE.reshape(-1, 1))
    content = bytearray(path.read_bytes())
    content[40:44] = struct.pack("<I", size)
    path.write_bytes(content)
    assert len(heard(path)) == TONE.size * 2


def test_wav_of_more_than_4_gb_is_rf64(tmp_path: Path) -> None:
    data = TONE.tobytes()
    claimed = 5 * 2**30
    form = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
    ds64 = struct.pack("<QQQI", claimed + 72, claimed, claimed // 2, 0)
    path = tmp_path / "large.wav"
    path.write_bytes(
        b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", 28) + ds64
        + b"fmt " + struct.pack("<I", 16) + form + b"data\xff\xff\xff\xff" + data
    )  # fmt: skip
    assert heard(path) == data
    with opened(path) as recording:
        assert recording.duration_ms == pytest.approx(claimed / 32, rel=0.01)


def test_mp3_whose_header_counts_wrong_is_heard_to_its_end(tmp_path: Path) -> None:
    path = written(tmp_path / "vbr.mp3", 48_000, 1, seconds=5)
    content = bytearray(path.read_bytes())
    at = max(content.find(b"Xing"), content.find(b"Info"))
    assert at > 0
    content[at + 8 : at + 12] = struct.pack(">I", 20)
    path.write_bytes(content)
    with opened(path) as recording:
        assert (recording.duration_ms or 0) < 1_000
        blocks = list(recording.blocks())
    assert sum(len(block.pcm) for block in blocks) / 32 == pytest.approx(5_000, abs=80)
    assert blocks[-1].at_ms == pytest.approx(4_900, abs=150)


def test_webm_of_a_browser_has_no_length_and_is_heard(tmp_path: Path) -> None:
    path = film(tmp_path / "whole.webm", [(tone(440, 48_000, 3), 0.0)], picture=False)
    live = tmp_path / "live.webm"
    with av.open(str(path)) as source, live.open("wb") as plain:
        target = av.open(Unseekable(plain), "w", format="webm", options={"live": "1"})
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
        target.close()
    with opened(live) as recording:
        assert recording.duration_ms is None
        assert sum(len(block.pcm) for block in recording.blocks()) / 32 == pytest.approx(3_000, abs=40)


class Unseekable:
    """A file that can only be written on, as what a browser records into."""

    def __init__(self, file: Any) -> None:
        self.name = "live.webm"
        self.write = file.write


@pytest.mark.parametrize("rate", [1, 900_000, 2**31 - 1])
def test_rate_that_no_recorder_has_is_refused(rate: int, tmp_path: Path) -> None:
    path = plain_wav(tmp_path / "odd.wav", TONE[:100].reshape(-1, 1), rate=rate)
    with pytest.raises(AudioError):
        list(decode(path))


@pytest.mark.parametrize("rate", [4_000, 11_025, 96_000, 192_000, 384_000])
def test_rates_of_recorders_are_heard(rate: int, tmp_path: Path) -> None:
    pcm = heard(plain_wav(tmp_path / "rate.wav", tone(440, rate).reshape(-1, 1), rate=rate))
    assert len(pcm) / 32 == pytest.approx(1_000, abs=1)
    assert abs(pitch(pcm, 16_000) - 440) < 2
