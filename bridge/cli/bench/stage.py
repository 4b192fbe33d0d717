"""How long one engine takes by itself: no queue, no gateway, one call after the other, on real speech."""

from __future__ import annotations

import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bridge import providers
from bridge.cli.bench.load import TARGET
from bridge.cli.probe import CLIP, CLIP_LANGUAGE
from bridge.settings import Settings
from bridge.types import SAMPLE_BYTES, Audio, Phrase, Speech, Stage, Utterance

WARM = 2
"""Calls before those that count."""
TEXT = "Go forward ten meters, and then wait for the others."
SPOKEN = "Sigue adelante diez metros y espera a los demás."


def measured(stage: Stage, iterations: int) -> dict[str, list[float]]:
    """`{stage}_ms` of each call, to the first sound for tts; of stt also `rtf`.

    Raises SettingsError or ProviderMissing where the engine in force cannot be had, ProviderError where it
    fails.
    """
    with _engine(stage) as engine:
        call, seconds = _CALLS[stage](engine)
        taken = []
        for _ in range(WARM + iterations):
            since = time.perf_counter()
            call()
            taken.append((time.perf_counter() - since) * 1000)
    found = {f"{stage}_ms": taken[WARM:]}
    return found | ({"rtf": [ms / 1000 / seconds for ms in taken[WARM:]]} if seconds else {})


@contextmanager
def _engine(stage: Stage) -> Iterator[Any]:
    first, *_ = providers.chosen(stage, getattr(Settings.read(), f"{stage}_provider"))
    engine = providers.load(stage, first.name)
    try:
        yield engine
    finally:
        engine.close()


Call = tuple[Callable[[], object], float]
"""What is timed, and how long the speech is that it hears."""


def _hear(engine: Any) -> Call:
    with wave.open(str(CLIP)) as clip:
        audio = Audio(clip.readframes(clip.getnframes()), clip.getframerate())
    speech = Speech(audio, CLIP_LANGUAGE)
    return lambda: engine.transcribe(speech), len(audio.pcm) / SAMPLE_BYTES / audio.rate


def _translate(engine: Any) -> Call:
    phrase = Phrase(TEXT, CLIP_LANGUAGE, TARGET)
    return lambda: engine.translate(phrase), 0


def _speak(engine: Any) -> Call:
    return lambda: _first(engine.synthesize(Utterance(SPOKEN, TARGET))), 0


def _first(sound: Iterator[Audio]) -> None:
    next(iter(sound), None)
    close: Callable[[], None] = getattr(sound, "close", lambda: None)
    close()


_CALLS: dict[Stage, Callable[[Any], Call]] = {"stt": _hear, "translation": _translate, "tts": _speak}
