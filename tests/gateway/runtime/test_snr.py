"""How clear speech is: real speech in noise of a known level, and what has no pauses."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.runtime.snr import WINDOW, snr_db
from tests.gateway.runtime.sound import RATE, clip, noise, silence

# Recorded in a quiet room, at 37 dB by the same measure.
CLIP = clip("go_forward")


def noisy(db: float, seconds: int = 0) -> bytes:
    """Speech with white noise that is `db` weaker than its loud windows; repeated to fill so many seconds."""
    speech = np.frombuffer(CLIP * (1 + seconds * RATE * 2 // len(CLIP)), "<i2").astype(float)
    energies = np.square(speech[: len(speech) // WINDOW * WINDOW].reshape(-1, WINDOW)).mean(axis=1)
    loud = energies[energies > energies.mean()].mean()
    added = np.random.default_rng(1).normal(0, np.sqrt(loud / 10 ** (db / 10)), len(speech))
    return bytes(np.clip(speech + added, -32_768, 32_767).astype("<i2"))


@pytest.mark.parametrize("seconds", [0, 30])
@pytest.mark.parametrize("db", [5, 10, 20])
def test_noise_is_found_as_loud_as_it_was_added(db: int, seconds: int) -> None:
    assert snr_db(noisy(db, seconds)) == pytest.approx(db, abs=1.5)


def test_a_quiet_room_is_told_from_a_noisy_one() -> None:
    found = snr_db(CLIP)

    assert found is not None and found > 30


def test_noise_alone_is_no_speech_above_noise() -> None:
    found = snr_db(noise(3, 0.03))

    assert found is None or found < 0


def test_digital_silence_between_words_is_no_division_by_zero() -> None:
    found = snr_db(CLIP + silence(1))

    assert found is not None and 50 < found < 100


@pytest.mark.parametrize("pcm", [b"", silence(0.2), silence(3), CLIP[: 9 * WINDOW * 2]])
def test_of_too_little_and_of_silence_nothing_is_said(pcm: bytes) -> None:
    assert snr_db(pcm) is None
