"""Whisper whose engine is watched or held, and speech for it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import numpy as np

from bridge.providers.stt.faster_whisper import FasterWhisper
from bridge.providers.stt.whisper import Whisper
from bridge.types import SPEECH_RATE, Audio
from tests.models.speech import Samples, Voice, say

ENGLISH_VOICE, SPANISH_VOICE = Voice("en-us+m3"), Voice("es+m3")


PHRASE = "Where is the train station?"


Build = Callable[..., FasterWhisper]


def audio(samples: Samples) -> Audio:
    return Audio((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes(), SPEECH_RATE)


def spoken(text: str, voice: Voice = ENGLISH_VOICE) -> Audio:
    return audio(say(text, voice))


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * SPEECH_RATE), np.float32)


class Recorder:
    """The loaded engine itself, noting what it is asked."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.generated: list[dict[str, Any]] = []
        self.encoded: list[tuple[int, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def encode(self, features: Any) -> Any:
        self.encoded.append(tuple(features.shape))
        return self._engine.encode(features)

    def generate(self, encoded: Any, prompts: list[list[int]], **search: Any) -> Any:
        self.generated.append({"prompts": prompts, **search})
        return self._engine.generate(encoded, prompts, **search)


def recorded(provider: FasterWhisper) -> Recorder:
    with provider._lease() as whisper:
        recorder = whisper.model.model = Recorder(whisper.model.model)
        return recorder


class Doubting(Recorder):
    """Is as sure of each language as it is told to be."""

    def __init__(self, engine: Any, likely: dict[str, float]) -> None:
        super().__init__(engine)
        self._likely = [(f"<|{code}|>", probability) for code, probability in likely.items()]

    def detect_language(self, encoded: Any) -> Any:
        return [self._likely for _ in self._engine.detect_language(encoded)]


def doubting(provider: FasterWhisper, likely: dict[str, float]) -> Doubting:
    with provider._lease() as whisper:
        engine = whisper.model.model = Doubting(whisper.model.model, likely)
        return engine


class Holding(Recorder):
    """Holds the first run of the encoder until it is let go."""

    def __init__(self, engine: Any) -> None:
        super().__init__(engine)
        self.entered, self.free = Event(), Event()

    def encode(self, features: Any) -> Any:
        if not self.entered.is_set():
            self.entered.set()
            assert self.free.wait(10)
        return super().encode(features)


def held(provider: FasterWhisper) -> Holding:
    with provider._lease() as whisper:
        engine = whisper.model.model = Holding(whisper.model.model)
        return engine


class Endless(Recorder):
    """Forbids the first text to end, so that the model says the same again and again, and is long busy."""

    def __init__(self, engine: Any, forbidden: tuple[int, ...]) -> None:
        super().__init__(engine)
        self._forbidden = forbidden
        self.entered = Event()

    def generate(self, encoded: Any, prompts: list[list[int]], **search: Any) -> Any:
        if not self.entered.is_set():
            self.entered.set()
            search |= {"suppress_tokens": self._forbidden, "beam_size": 4}
        return super().generate(encoded, prompts, **search)


def no_text(whisper: Whisper) -> tuple[int, ...]:
    """The tokens that are no text, the end among them."""
    return tuple(range(whisper._tokenizer.eot, whisper.model.hf_tokenizer.get_vocab_size()))


def endless(provider: FasterWhisper) -> FasterWhisper:
    """Forbids the end and all that is no text, so that the model says the same again and again."""
    with provider._lease() as whisper:
        whisper._suppressed = no_text(whisper)
    return provider
