"""Which worker holds the model of a piece of work, told by names."""

from __future__ import annotations

import pytest

from bridge.placement.models import holds
from bridge.types import Stage

ES, CA = "es_ES-davefx-medium", "ca_ES-upc_ona-medium"


@pytest.mark.parametrize(
    ("models", "target", "voice", "held"),
    [
        ((), "es", None, True),
        ((ES, CA), "ca", None, True),
        ((ES,), "ca", None, False),
        ((ES,), "es-MX", None, True),
        ((ES,), "es", ES, True),
        ((ES,), "es", "es_ES-sharvard-medium", False),
        ((ES,), "es", "female", True),
        (("kokoro-v1.0",), "ca", "af_heart", True),
        (("xtts_v2",), "pt", None, True),
    ],
)
def test_tts_needs_the_voice_or_one_of_the_language(
    models: tuple[str, ...], target: str, voice: str | None, held: bool
) -> None:
    assert holds(models, "tts", "en", target, voice) is held


@pytest.mark.parametrize(
    ("models", "source", "held"),
    [
        (("facebook/nllb-200-distilled-600M",), "en", True),
        (("Helsinki-NLP/opus-mt-en-es",), "en", True),
        (("Helsinki-NLP/opus-mt-en-es",), "de", False),
        (("Helsinki-NLP/opus-mt-en-es",), None, True),
        (("opus-mt-en-de",), "en", False),
    ],
)
def test_translation_needs_the_pair_or_a_model_for_all(
    models: tuple[str, ...], source: str | None, held: bool
) -> None:
    assert holds(models, "translation", source, "es", None) is held


@pytest.mark.parametrize("stage", ["stt", "translation", "tts"])
def test_an_engine_without_models_has_nothing_to_load(stage: Stage) -> None:
    assert holds((), stage, "en", "es", "any")


def test_stt_has_one_model_for_all_languages() -> None:
    assert holds(("base.en",), "stt", "en", None, None)
