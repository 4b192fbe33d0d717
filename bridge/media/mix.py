"""Many channels to one, so that nobody who is heard in any of them is lost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

MEMORY_S = 1.0
"""How long the likeness of channels is remembered."""
RAMP_S = 0.01
"""How long a change takes: 10 ms, so that none clicks."""
OPPOSED = -0.5
"""Correlation with the loudest channel from which on a channel is turned over: summed as it is, two equal
channels would lose more than half of what each of them holds (6 dB), and all of it at -1."""
ALIKE = 0.3
"""Correlation from which on it is turned back. Between the two it stays, so that noise turns nothing."""
WEIGHTS = {"FC": 1.0, "FL": 0.7071, "FR": 0.7071, "LFE": 0.0, "LFE2": 0.0}
OTHERS = 0.5
"""Surround sound as common downmixes weigh it: speech is in the centre, none in the low effects."""


class Mixer:
    """Mixes windows of float samples, channels x samples, to one channel as loud as the loudest of them.

    A channel of inverted polarity (a balanced cable, a swapped wire) is turned over first, by its
    correlation with the loudest one over the last second. `names` are those of the channels.
    """

    def __init__(self, rate: int, names: Sequence[str]) -> None:
        weights = np.array([WEIGHTS.get(name, OTHERS) for name in names])
        if not weights.any():
            weights[:] = 1
        self._weights = weights / weights.sum()
        self._signs = np.ones(len(names))
        self._alike = np.zeros((len(names), len(names)))
        self._last: npt.NDArray[np.float64] | None = None
        self._rate = rate

    def mix(self, window: Floats) -> Floats:
        """One channel, of as many samples, within -1 to 1."""
        length = window.shape[1]
        heard = window.astype(np.float64)
        self._alike *= np.exp(-length / (MEMORY_S * self._rate))
        self._alike += heard @ heard.T
        self._turn()
        wanted = self._signs * self._weights
        wanted *= self._gain(wanted)
        last = wanted if self._last is None else self._last
        self._last = wanted
        mixed: npt.NDArray[np.float64] = wanted @ heard
        if not np.array_equal(last, wanted):
            ramp = min(length, max(1, int(RAMP_S * self._rate)))
            rising = np.linspace(0, 1, ramp)
            mixed[:ramp] = rising * mixed[:ramp] + (1 - rising) * (last @ heard[:, :ramp])
        return np.clip(mixed, -1, 1).astype(np.float32)

    def _turn(self) -> None:
        energy = self._alike.diagonal()
        loudest = int(np.argmax(energy))
        scale = np.sqrt(energy * energy[loudest])
        likeness = np.divide(self._alike[loudest], scale, out=np.zeros_like(scale), where=scale > 0)
        self._signs[likeness < OPPOSED] = -self._signs[loudest]
        self._signs[likeness > ALIKE] = self._signs[loudest]

    def _gain(self, weights: npt.NDArray[np.float64]) -> float:
        """What makes the mix as loud as its loudest channel; none where they are alike, as in most files."""
        mixed = float(weights @ self._alike @ weights)
        loudest = float(self._alike.diagonal().max())
        most = 1 / float(self._weights.max())
        if mixed <= 0 or loudest <= 0:
            return 1.0
        gain = min(most, (loudest / mixed) ** 0.5)
        return gain if gain > 1.01 else 1.0
