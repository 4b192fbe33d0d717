"""What an engine does before its worker takes work, so that the first segment is as fast as the next ones."""

from __future__ import annotations

import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from bridge.errors import SettingsError, VendorError
from bridge.providers import Hearer, Preloader
from bridge.providers.chained import members
from bridge.settings import Settings
from bridge.types import SAMPLE_BYTES, STAGES, Audio, Phrase, Speech, Stage, Utterance

log = structlog.get_logger(__name__)

CLIP = Path(__file__).parent.parent / "data" / "go_forward.wav"
FROM_S, SECONDS = 0.5, 0.5
"""The word "go". Silence would not do: engines return from it before they have computed anything."""


def prepare(stage: Stage, provider: Any, settings: Settings) -> None:
    """Loads the models that PRELOAD_MODELS names for the stage, then runs each engine once if WARMUP is on.

    Raises SettingsError for an entry that names no stage, and what the engine raises for a model that
    it cannot load. A run that fails is logged only: the engine may still do well with real input, and a
    wrong key or a server that is away may be mended while others do the work.
    """
    models = preloaded(stage, settings.preload_models)
    if models and any(isinstance(engine, Preloader) for engine in members(provider)):
        provider.preload(models)
    elif models:
        log.warning("PRELOAD_MODELS has no effect: the engine has one model", stage=stage, models=models)
    if settings.warmup:
        for engine in members(provider):
            _run(stage, engine)


def preloaded(stage: Stage, entries: str) -> list[str]:
    """The models of one stage in a list such as `tts:es_ES-davefx-medium,tts:fr_FR-siwis-low`."""
    models = []
    for entry in filter(None, (part.strip() for part in entries.split(","))):
        of, _, model = entry.partition(":")
        if of not in STAGES or not model:
            raise SettingsError(
                f"PRELOAD_MODELS={entries} is not valid: {entry} names no stage and model.",
                f"Write STAGE:MODEL, separated by commas; the stages are {', '.join(STAGES)}.",
            )
        if of == stage:
            models.append(model)
    return models


def _run(stage: Stage, provider: Any) -> None:
    since = time.monotonic()
    try:
        _RUN[stage](provider)
    except VendorError as error:
        log.error("warm-up failed", stage=stage, code=error.code, error=error.message, hint=error.hint)
    except Exception as error:
        log.warning("warm-up failed", stage=stage, error=str(error))
    else:
        log.info("Engine warmed up", stage=stage, seconds=round(time.monotonic() - since, 2))


def _transcribe(provider: Any) -> None:
    languages = provider.languages()
    language = "en" if "en" in languages else min(languages)
    speech = Speech(_word(), None if provider.detects else language)
    provider.transcribe(speech)
    if isinstance(provider, Hearer):
        provider.hear(speech)


def _translate(provider: Any) -> None:
    pairs = sorted(provider.pairs())
    source, target = next((pair for pair in pairs if pair[0] == "en"), pairs[0])
    translate = getattr(provider, "uncached", provider.translate)
    translate(Phrase("Go.", source, target))


def _synthesize(provider: Any) -> None:
    # The first in order is the one whose voice an engine with many has loaded already.
    for _ in provider.synthesize(Utterance("a", min(provider.languages()))):
        pass


_RUN: dict[Stage, Callable[[Any], None]] = {
    "stt": _transcribe,
    "translation": _translate,
    "tts": _synthesize,
}


def _word() -> Audio:
    with wave.open(str(CLIP)) as file:
        rate = file.getframerate()
        pcm = file.readframes(file.getnframes())
    start, length = (round(seconds * rate) * SAMPLE_BYTES for seconds in (FROM_S, SECONDS))
    return Audio(pcm[start : start + length], rate)
