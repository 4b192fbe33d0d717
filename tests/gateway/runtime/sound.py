"""Real speech and what is none, and what the model says of it."""

from __future__ import annotations

import math
import wave
from pathlib import Path

import numpy as np

from gateway.runtime.vad import WINDOW, Model

SPEECH = Path(__file__).parent.parent.parent / "data" / "speech"
CLIPS = ("go_forward", "go_somewhere", "sense_0870", "sense_0880", "sense_0890")
RATE = 16_000


def clip(name: str) -> bytes:
    with wave.open(str(SPEECH / f"{name}.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return bytes(file.readframes(file.getnframes()))


def pcm(samples: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bytes:
    return np.clip(samples * 32_768, -32_768, 32_767).astype("<i2").tobytes()


def noise(seconds: float, level: float) -> bytes:
    return pcm(np.random.default_rng(0).normal(0, level, round(seconds * RATE)))


def mixed(one: bytes, other: bytes) -> bytes:
    size = min(len(one), len(other))
    total = np.frombuffer(one[:size], "<i2").astype(int) + np.frombuffer(other[:size], "<i2")
    return bytes(np.clip(total, -32_768, 32_767).astype("<i2"))


def windows(audio: bytes) -> list[bytes]:
    size = WINDOW * 2
    return [audio[at : at + size] for at in range(0, len(audio) - size + 1, size)]


def silence(seconds: float) -> bytes:
    return bytes(round(seconds * RATE) * 2)


NO_SPEECH = {
    "silence": silence(3),
    "quiet_noise": noise(3, 0.003),
    "white_noise": noise(3, 0.03),
    "loud_noise": noise(3, 0.3),
    "tone": pcm(0.3 * np.sin(2 * math.pi * 440 / RATE * np.arange(3 * RATE))),
    "hum": pcm(0.1 * np.sin(2 * math.pi * 50 / RATE * np.arange(3 * RATE))),
    "clicks": pcm((np.arange(3 * RATE) % 8_000 == 0) * 0.9),
}


def probabilities(model: Model, audio: bytes) -> list[float]:
    stream = model.stream()
    return [stream.feed(window) for window in windows(audio)]
