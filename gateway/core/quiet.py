"""Where a cut hurts least in speech that goes on for too long: at its quietest place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bridge.types import SPEECH_RATE

WINDOW = 512
"""Samples that are judged at once."""

_HOP = 128  # samples between two possible cuts: a divisor of WINDOW
_QUIET = 20  # hops (160 ms) over which loudness is averaged: longer than the closure of a plosive
_VOICE_DB = 20  # what certain speech adds to the loudness of a place, so that pauses win


def windows(ms: float) -> int:
    """Silence in samples of whole windows: what lies between two judgements says nothing new, so to wait for
    it would be in vain."""
    return max(1, int(ms * SPEECH_RATE) // 1000 // WINDOW) * WINDOW


def quietest(pcm: bytes, probabilities: Sequence[float]) -> int:
    """The sample of `pcm` (s16le) at which a cut hurts least: the middle of the 160 ms that are
    least loud and least like speech. `probabilities` has one value per window of 512 samples.
    Among equals the last wins. Needs five windows or more.
    """
    hops = np.frombuffer(pcm, "<i2").astype(np.float64).reshape(-1, _HOP)
    mean = np.full(_QUIET, 1 / _QUIET)
    power = np.convolve(np.square(hops).mean(axis=1), mean, "valid")
    voice = np.convolve(np.repeat(probabilities, WINDOW // _HOP), mean, "valid")
    score = 10 * np.log10(power + 1) + _VOICE_DB * voice
    best = len(score) - 1 - int(np.argmin(score[::-1]))
    return (best + _QUIET // 2) * _HOP
