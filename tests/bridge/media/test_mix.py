"""Whoever is heard in any channel is heard in the mix, whatever the cable did to the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.media import decode
from bridge.media.mix import Mixer
from tests.bridge.media.sounds import pitch, plain_wav, tone
from tests.hearing import rms

RATE = 16_000
SPEECH = Path(__file__).parents[2] / "data" / "speech" / "go_forward.wav"


def noise(seconds: float, level: float, seed: int = 1) -> npt.NDArray[np.float32]:
    return (np.random.default_rng(seed).standard_normal(int(RATE * seconds)) * level).astype(np.float32)


def pure(hertz: float, seconds: float = 1.0, level: float = 1.0) -> npt.NDArray[np.float32]:
    return (tone(hertz, RATE, seconds) * (level / 32_768)).astype(np.float32)


def voice(seconds: float = 1.0) -> npt.NDArray[np.float32]:
    return pure(440, seconds)


def mixed(channels: list[npt.NDArray[np.float32]], names: list[str] | None = None) -> npt.NDArray[np.float32]:
    mixer = Mixer(RATE, names or ["NONE"] * len(channels))
    whole = np.stack(channels)
    windows = np.split(whole, range(1_600, whole.shape[1], 1_600), axis=1)
    return np.concatenate([mixer.mix(window) for window in windows])


def loudness(samples: npt.NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(np.asarray(samples, np.float64) ** 2)))


def test_equal_channels_come_through_unchanged() -> None:
    assert np.array_equal(mixed([voice(), voice()]), voice())


def test_inverted_channel_is_turned_over_from_the_first_sample_on() -> None:
    assert np.allclose(np.abs(mixed([voice(), -voice()])), np.abs(voice()), atol=1e-6)


def test_inverted_channel_behind_quiet_noise_loses_nothing_of_the_voice() -> None:
    left = np.concatenate([noise(1, 0.001, 1), voice()])
    right = np.concatenate([noise(1, 0.001, 2), -voice()])
    heard = mixed([left, right])[RATE:]
    assert loudness(heard[160:]) == pytest.approx(loudness(voice()), rel=0.02)


def test_polarity_that_changes_in_the_middle_does_not_click() -> None:
    left = voice(4)
    right = np.concatenate([voice(2), -voice(2)])
    heard = mixed([left, right])
    steepest = float(np.abs(np.diff(voice())).max())
    assert float(np.abs(np.diff(heard)).max()) < 1.5 * steepest
    assert loudness(heard[-RATE:]) == pytest.approx(loudness(voice()), rel=0.02)


def test_channels_that_differ_are_all_heard() -> None:
    left, right = voice(), pure(1_000)
    spectrum = np.abs(np.fft.rfft(mixed([left, right])))
    assert spectrum[440] > 1_000
    assert spectrum[1_000] > 1_000


def test_one_microphone_of_many_is_as_loud_as_alone() -> None:
    silent = np.zeros_like(voice())
    heard = mixed([silent] * 31 + [voice()])
    assert loudness(heard) == pytest.approx(loudness(voice()), rel=0.01)


def test_second_speaker_is_heard_at_once_in_a_channel_of_her_own() -> None:
    first, second = np.concatenate([voice(2), 0 * voice(2)]), np.concatenate([0 * voice(2), voice(2)])
    silent = np.zeros_like(first)
    heard = mixed([first, second, *[silent] * 6])
    assert loudness(heard[2 * RATE : 2 * RATE + 1_600]) > 0.5 * loudness(voice())


def test_centre_of_surround_sound_is_as_loud_as_alone_and_low_effects_are_left_out() -> None:
    silent = np.zeros_like(voice())
    rumble = pure(40, level=0.5)
    names = ["FL", "FR", "FC", "LFE", "BL", "BR"]
    heard = mixed([silent, silent, voice(), rumble, silent, silent], names)
    assert loudness(heard) == pytest.approx(loudness(voice()), rel=0.01)
    assert np.abs(np.fft.rfft(heard))[40] < 1


def test_low_effects_alone_are_heard() -> None:
    assert loudness(mixed([voice()], ["LFE"])) > 0.1


def test_silence_stays_silent() -> None:
    assert not mixed([np.zeros(3_200, np.float32)] * 3).any()


def test_file_with_an_inverted_channel_gives_the_speech_of_the_other(tmp_path: Path) -> None:
    mono = np.frombuffer(b"".join(decode(SPEECH)), "<i2")
    stereo = np.stack([mono, -np.maximum(mono, -32_767)], axis=1)
    heard = np.frombuffer(b"".join(decode(plain_wav(tmp_path / "balanced.wav", stereo))), "<i2")
    assert heard.size == mono.size
    assert np.corrcoef(np.abs(heard.astype(float)), np.abs(mono.astype(float)))[0, 1] > 0.99
    assert loudness(heard) == pytest.approx(loudness(mono), rel=0.05)


@pytest.mark.parametrize("channels", [3, 6, 9, 18, 32, 64])
def test_any_number_of_channels_is_heard(channels: int, tmp_path: Path) -> None:
    path = plain_wav(tmp_path / "many.wav", np.repeat(tone(440, RATE).reshape(-1, 1), channels, axis=1))
    pcm = b"".join(decode(path))
    assert abs(pitch(pcm, RATE) - 440) < 3
    assert rms(pcm) == pytest.approx(rms(tone(440, RATE).tobytes()), rel=0.02)
