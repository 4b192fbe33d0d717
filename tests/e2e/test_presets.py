"""Each preset of the neural engines, started on small models of our own: what it says works together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bridge.providers import load
from bridge.providers.breaker import Unbroken
from bridge.providers.chained import build
from bridge.settings import Settings
from bridge.types import SPEECH_RATE, STAGES, Audio, Phrase, Speech, Utterance
from tests.models.fixtures import tiny_nllb, tiny_piper, tiny_whisper
from tests.models.phrases import ENGLISH, TRANSLATIONS
from tests.models.speech import Voice, say

__all__ = ["tiny_nllb", "tiny_piper", "tiny_whisper"]

pytestmark = pytest.mark.provider

PRESETS = sorted(path.stem for path in (Path(__file__).parents[2] / "config" / "presets").glob("*.env"))
NEURAL = [name for name in PRESETS if name not in ("embedded", "simulated", "under-500ms-cloud")]


@pytest.mark.parametrize("preset", NEURAL)
def test_speech_becomes_speech_under_the_preset(
    preset: str, monkeypatch: pytest.MonkeyPatch, tiny_whisper: Path, tiny_nllb: Path, tiny_piper: Path
) -> None:
    monkeypatch.setenv("PRESET", preset)
    monkeypatch.setenv("STT_MODEL_SIZE", str(tiny_whisper))
    monkeypatch.setenv("TRANSLATION_MODEL", str(tiny_nllb / "ct2"))
    monkeypatch.setenv("TRANSLATION_MAX_LENGTH", "60")  # all that the small model has room for
    monkeypatch.setenv("TTS_MODEL", str(tiny_piper / "es_ES-tiny-low.onnx"))
    # What only a GPU offers is asked of the processor in the precision that it has.
    monkeypatch.setenv("STT_DEVICE", "cpu")
    monkeypatch.setenv("STT_COMPUTE_TYPE", "float32")
    settings = Settings.read()
    stt, translation, tts = (
        build(stage, getattr(settings, f"{stage}_provider"), Unbroken(), 1, partial(load, stage))
        for stage in STAGES
    )
    phrase = ENGLISH[0]
    pcm = (say(phrase, Voice("en-us+m3")) * 32_767).clip(-32_768, 32_767).astype("<i2").tobytes()

    transcript = stt.transcribe(Speech(Audio(bytes(8_000) + pcm + bytes(8_000), SPEECH_RATE), "en"))
    translated = translation.translate(Phrase(transcript.text, "en", "es"))
    spoken = list(tts.synthesize(Utterance(translated.text, "es")))

    assert transcript.text == phrase
    assert translated.text == TRANSLATIONS["es"][phrase]
    assert max(np.abs(np.frombuffer(audio.pcm, "<i2")).max() for audio in spoken) > 1_000
    for provider in (stt, translation, tts):
        provider.close()
