"""Decoded frames of any sample format, rate and number of channels to speech: mono PCM s16le at one rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bridge.audio import Resampler
from bridge.media.mix import Floats, Mixer

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

WINDOW_S = 0.1
"""What is judged and mixed at a time."""
RATES = range(4_000, 768_001)
"""Hz. What says less or more is damaged: speech needs 4 kHz, no recorder has more than 768."""


class Speech:
    """Turns a run of frames of one form into speech, window by window."""

    def __init__(self, frame: AudioFrame, rate: int) -> None:
        self._channels = frame.layout.nb_channels
        self._mixer = Mixer(frame.rate, [channel.name for channel in frame.layout.channels])
        self._window = max(1, int(frame.rate * WINDOW_S))
        self._resampler = Resampler(frame.rate, rate)
        self._waiting: list[npt.NDArray[Any]] = []
        self._held = 0

    def feed(self, frame: AudioFrame) -> bytes:
        """The speech that is ready."""
        samples = frame.to_ndarray()
        if not frame.format.is_planar:
            samples = samples.reshape(-1, self._channels).T
        self._waiting.append(samples)
        self._held += samples.shape[1]
        return self._mixed() if self._held >= self._window else b""

    def end(self) -> bytes:
        """The rest of it."""
        return self._mixed(last=True)

    def _mixed(self, last: bool = False) -> bytes:
        waiting, self._waiting, self._held = self._waiting, [], 0
        if not waiting:
            return self._resampler.feed(b"", last=last)
        whole = np.concatenate(waiting, axis=1)
        if self._channels == 1:
            return self._resampler.feed(_pcm16(whole[0]), last=last)
        pieces = np.array_split(_floats(whole), max(1, whole.shape[1] // self._window), axis=1)
        mono = np.concatenate([self._mixer.mix(piece) for piece in pieces])
        return self._resampler.feed(_pcm16(mono), last=last)


def form(frame: AudioFrame) -> tuple[object, ...]:
    """What has to stay the same within a run."""
    names: Sequence[str] = [channel.name for channel in frame.layout.channels]
    return (frame.format.name, frame.layout.nb_channels, frame.rate, *names)


def _floats(samples: npt.NDArray[Any]) -> Floats:
    """Samples of any type as floats of -1 to 1; what is no number is silence."""
    if samples.dtype.kind == "f":
        sane = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
        scaled = np.clip(sane, -1, 1)
    elif samples.dtype == np.uint8:
        scaled = (samples.astype(np.float32) - 128) / 128
    else:
        scaled = samples.astype(np.float64) / 2.0 ** (8 * samples.dtype.itemsize - 1)
    return np.asarray(scaled, np.float32)


def _pcm16(samples: npt.NDArray[Any]) -> bytes:
    if samples.dtype == np.int16:
        return samples.astype("<i2").tobytes()
    scaled = np.rint(_floats(samples) * 32_768)
    return np.clip(scaled, -32_768, 32_767).astype("<i2").tobytes()
