"""What tests ask of sound: how loud it is, and the same at another rate."""

from __future__ import annotations

import numpy as np

from bridge.audio import Resampler
from bridge.types import Audio


def resample(audio: Audio, rate: int) -> Audio:
    """The same sound at `rate` samples per second."""
    return Audio(Resampler(audio.rate, rate).feed(audio.pcm, last=True), rate)


def rms(pcm: bytes) -> float:
    """Root mean square of s16le samples, 0 to 32 768; 0 for no samples."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    return float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0
