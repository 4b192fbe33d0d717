"""Sounds that are no speech, of which a model shall make no text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from bridge.types import SPEECH_RATE
from tests.models.speech import Samples

Random: TypeAlias = np.random.Generator

LOUDEST, QUIETEST = -0.3, -4.5
"""Powers of ten of the peaks made."""


def sound(random: Random, seconds: float) -> Samples:
    """One of ten kinds of sound at a random loudness, over faint noise in half of the cases."""
    count = int(seconds * SPEECH_RATE)
    made = KINDS[random.integers(len(KINDS))](random, count)
    peak = 10 ** random.uniform(QUIETEST, LOUDEST)
    samples = made / (np.abs(made).max() + 1e-9) * peak
    if random.random() < 0.5:
        samples = samples + 10 ** random.uniform(-5, -2) * random.standard_normal(count)
    clipped: Samples = np.clip(samples, -1, 1).astype(np.float32)
    return clipped


def coloured(random: Random, count: int, slope: float) -> Samples:
    """Noise whose spectrum falls with frequency ** `slope`: 0 is white, 1 brown."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    frequencies = np.arange(len(spectrum)) + 1.0
    return np.fft.irfft(spectrum / frequencies**slope, count).astype(np.float32)


def _silence(random: Random, count: int) -> Samples:
    return np.zeros(count, np.float32)


def _noise(random: Random, count: int) -> Samples:
    return coloured(random, count, random.uniform(0, 1.2))


def _gusts(random: Random, count: int) -> Samples:
    return _noise(random, count) * _swelling(random, count)


def _band(random: Random, count: int) -> Samples:
    """Noise between two frequencies."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    low, high = np.sort(random.uniform(0, 1, 2)) ** 2 * len(spectrum)
    kept = np.zeros(len(spectrum))
    kept[int(low) : int(high) + 50] = 1
    return np.fft.irfft(spectrum * kept, count).astype(np.float32)


def _tone(random: Random, count: int) -> Samples:
    return _harmonics(random, np.full(count, _frequency(random)), int(random.integers(1, 4)))


def _hum(random: Random, count: int) -> Samples:
    return _harmonics(random, np.full(count, random.choice([50.0, 60.0, 100.0, 120.0])), 12)


def _chirp(random: Random, count: int) -> Samples:
    return _harmonics(random, np.geomspace(_frequency(random), _frequency(random), count), 2)


def _melody(random: Random, count: int) -> Samples:
    """Notes of 0.1 to 0.5 s, each dying away, one to three at a time."""
    total = np.zeros(count, np.float32)
    for _ in range(random.integers(1, 4)):
        at = 0
        while at < count:
            length = min(int(random.uniform(0.1, 0.5) * SPEECH_RATE), count - at)
            note = np.full(length, 110 * 2 ** (random.integers(0, 37) / 12))
            decay = np.exp(-np.linspace(0, random.uniform(0.5, 5), length))
            total[at : at + length] += _harmonics(random, note, int(random.integers(1, 8))) * decay
            at += length
    return total


def _clicks(random: Random, count: int) -> Samples:
    clicks = np.zeros(count)
    clicks[random.integers(0, count, random.integers(1, 12))] = random.choice([-1.0, 1.0])
    decay = np.exp(-np.arange(800) / random.uniform(2, 200)) * random.standard_normal(800)
    return np.convolve(clicks, decay)[:count].astype(np.float32)


def _beeps(random: Random, count: int) -> Samples:
    period = int(random.uniform(0.1, 0.8) * SPEECH_RATE)
    sounding = np.arange(count) % period < period * random.uniform(0.2, 0.7)
    return _tone(random, count) * sounding


def _frequency(random: Random) -> float:
    return float(80 * 2 ** random.uniform(0, 6))


def _harmonics(random: Random, frequencies: np.ndarray, number: int) -> Samples:
    phase = 2 * np.pi * np.cumsum(frequencies) / SPEECH_RATE
    waves = [random.uniform(0.2, 1) / n * np.sin(n * phase) for n in range(1, number + 1)]
    total: Samples = np.sum(waves, axis=0).astype(np.float32)
    return total


def _swelling(random: Random, count: int) -> Samples:
    points = random.uniform(0, 1, max(3, count // 3000)) ** 2
    return np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(points)), points).astype(np.float32)


KINDS: tuple[Callable[[Random, int], Samples], ...] = (
    _silence, _noise, _noise, _gusts, _band, _tone, _hum, _chirp, _melody, _clicks, _beeps,
)  # fmt: skip
