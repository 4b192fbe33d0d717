"""Sound inside the system: one sample rate to another, pieces of a length."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import soxr

from bridge.types import SAMPLE_BYTES


class Resampler:
    """Changes the rate of a stream of s16le mono PCM, piece by piece, without clicks at the borders."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        same = from_rate == to_rate
        self._stream = None if same else soxr.ResampleStream(from_rate, to_rate, 1, dtype="int16")

    def feed(self, pcm: bytes, last: bool = False) -> bytes:
        """The samples at the new rate that are ready; those still held back come with `last`.

        The filter holds back about 20 ms.
        """
        if self._stream is None:
            return pcm
        samples = np.frombuffer(pcm, dtype="<i2")
        return bytes(self._stream.resample_chunk(samples, last=last).astype("<i2").tobytes())


def frames(pcm: bytes, rate: int, ms: int = 20) -> Iterator[bytes]:
    """Pieces of `ms` milliseconds each, the last one as short as it is."""
    size = rate * ms // 1000 * SAMPLE_BYTES
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size]


def s16(samples: npt.NDArray[np.float32]) -> bytes:
    """PCM s16le of samples within 1; what is louder is clipped."""
    return np.round(np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes()
