"""Makes speech shorter, at the same pitch: pauses first, then the tempo."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.errors import AudioError
from bridge.extras import install
from bridge.types import SAMPLE_BYTES, Audio, Sound

FASTEST = 1.25
"""What listeners still follow without effort; the page goes no faster either."""
PAUSE_S = 0.12
"""Silence is shortened to this; a pause of it still separates sentences."""
QUIET = 104
"""-50 dBFS in 16-bit samples."""


def shortened(audio: Sound, samples: int) -> Sound:
    """The same speech in about `samples`, or longer: no faster than FASTEST, pauses no shorter than PAUSE_S.

    Speech that fits stays as it is. A tempo is exact to some 5 ms. Raises AudioError without PyAV.
    """
    if audio.samples <= samples:
        return audio
    calm = Audio(_without_pauses(audio, audio.samples - samples), audio.rate)
    if calm.samples <= samples:
        return calm
    speed = min(FASTEST, calm.samples / max(samples, 1))
    return Audio(_faster(calm, speed), audio.rate)


def _without_pauses(audio: Sound, excess: int) -> bytes:
    """The speech without `excess` samples of its silence, or as many as there are; all pauses lose alike."""
    samples = np.frombuffer(audio.pcm, "<i2")
    least = round(PAUSE_S * audio.rate)
    quiet = np.concatenate(([0], np.abs(samples.astype(np.int32)) < QUIET, [0]))
    edges = np.flatnonzero(np.diff(quiet)).reshape(-1, 2)
    pauses = [(int(start), int(end)) for start, end in edges if end - start > least]
    spare = sum(end - start - least for start, end in pauses)
    if not spare:
        return audio.pcm
    part = min(1.0, excess / spare)
    kept: list[npt.NDArray[np.int16]] = []
    reached = 0
    for start, end in pauses:
        left_out = round((end - start - least) * part)
        middle = (start + end - left_out) // 2  # both ends may be soft speech
        kept.append(samples[reached:middle])
        reached = middle + left_out
    kept.append(samples[reached:])
    return np.concatenate(kept).tobytes()


def _faster(audio: Audio, speed: float) -> bytes:
    """WSOLA, as ffmpeg's atempo does it."""
    try:
        from av import AudioFrame, BlockingIOError, EOFError
        from av.filter import Graph
    except ImportError:
        raise AudioError("Speech cannot be made faster without PyAV.", install("client")) from None
    graph = Graph()
    source = graph.add_abuffer(format="s16", sample_rate=audio.rate, layout="mono")
    tempo = graph.add("atempo", str(speed))
    sink = graph.add("abuffersink")
    source.link_to(tempo)
    tempo.link_to(sink)
    graph.configure()
    frame = AudioFrame.from_ndarray(np.frombuffer(audio.pcm, "<i2")[None, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts = audio.rate, 0
    graph.push(frame)
    graph.push(None)
    made = bytearray()
    while True:
        try:
            made += graph.pull().to_ndarray().tobytes()
        except (BlockingIOError, EOFError):
            return bytes(made[: len(made) // SAMPLE_BYTES * SAMPLE_BYTES])
