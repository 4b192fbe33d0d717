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
MOST = 96
"""Windows that are looked at, 3 s: of longer segments every second, third ... one, which takes no longer."""
LEAST = 10
"""Windows, 0.3 s, below which there is no quietest tenth."""
SILENCE = 0.1
"""Energy of a window below which it is digital silence: no 16-bit recording has so little."""


def snr_db(pcm: bytes) -> float | None:
    """Of PCM s16le 16 kHz; None where it is too short, or nothing in it is louder than the rest."""
    windows = len(pcm) // (2 * WINDOW)
    if windows < LEAST:
        return None
    framed = np.frombuffer(pcm, "<i2", windows * WINDOW).reshape(windows, WINDOW)
    some = framed[:: -(-windows // MOST)].astype(np.float32)
    energies = np.sort(np.einsum("ij,ij->i", some, some)) / WINDOW
    quiet = max(SILENCE, float(energies[: len(energies) // 10].mean()))
    above = energies[energies > energies.mean()]
    loud = float(above.mean()) if len(above) else 0.0
    return 10 * log10((loud - quiet) / quiet) if loud > quiet else None
