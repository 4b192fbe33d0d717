"""How much louder speech is than the pauses between its words, from the PCM of one segment.

The level of the pauses is the mean energy of the quietest tenth of the windows, that of speech the mean of
those that are louder than the mean of all; what stands in both is taken off the speech. This is the estimate
of NIST's `stnr` (two ends of the histogram of energies) without its histogram. Pauses of a segment are few,
the padding and the silence that ended it: where there are none, and where the room falls silent while nobody
speaks (a noise gate), it is wrong; so is all that a microphone has made of it before.
"""

from __future__ import annotations

from math import log10

import numpy as np

WINDOW = 512
"""Samples, 32 ms, as voice activity is judged."""
MOST = 48 * WINDOW
"""Samples that are looked at, 1.5 s: of longer segments every second, third ... one, which takes no longer."""
LEAST = 10
"""Windows, 0.3 s, below which there is no quietest tenth."""
SILENCE = 0.1
"""Energy of a window below which it is digital silence: no 16-bit recording has so little."""


def snr_db(pcm: bytes) -> float | None:
    """Of PCM s16le 16 kHz; None where it is too short, or nothing in it is louder than the rest."""
    samples = np.frombuffer(pcm, "<i2")
    step = -(-len(samples) // MOST) or 1
    size = WINDOW // step
    windows = len(samples) // step // size
    if windows < LEAST:
        return None
    framed = samples[: windows * size * step : step].astype(np.float32).reshape(windows, size)
    energies = np.einsum("ij,ij->i", framed, framed) / size
    quiet = max(SILENCE, float(np.partition(energies, windows // 10)[: windows // 10].mean()))
    loud = float(energies[energies > energies.mean()].mean()) if np.ptp(energies) else 0.0
    return 10 * log10((loud - quiet) / quiet) if loud > quiet else None
