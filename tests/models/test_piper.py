"""The small voices have the lengths, rates and speakers that tests count on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.models.fixtures import engine

pytestmark = pytest.mark.provider

VOICES = {
    "es_ES-tiny-low": 16_000,
    "fr_FR-tiny-low": 16_000,
    "ca_ES-tiny-low": 16_000,
    "en_US-tiny-low": 16_000,
    "es_ES-tiny-high": 22_050,
}


@pytest.mark.parametrize(("name", "rate"), VOICES.items())
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_voice_is_as_long_as_it_is_asked_to_be(
    tiny_piper: Path, name: str, rate: int, scale: float
) -> None:
    piper = engine("piper")
    voice = piper.PiperVoice.load(tiny_piper / f"{name}.onnx")
    asked = piper.SynthesisConfig(length_scale=scale)
    sentences = list(voice.synthesize("Buenos días. Hasta mañana.", asked))
    assert len(sentences) == 2
    for sentence in sentences:
        sounding = [
            phoneme
            for phoneme in sentence.phonemes
            if phoneme in voice.config.phoneme_id_map and phoneme not in "ˈˌʲː"
        ]
        assert sentence.sample_rate == rate
        assert len(sentence.audio_float_array) == len(sounding) * round(rate * 0.1 * scale)
        assert np.abs(sentence.audio_float_array).mean() > 0.05


def test_the_speakers_of_a_voice_sound_different(tiny_piper: Path) -> None:
    piper = engine("piper")
    voice = piper.PiperVoice.load(tiny_piper / "es_ES-tiny-high.onnx")
    assert voice.config.speaker_id_map == {"low": 0, "bright": 1}
    low, bright = (
        next(iter(voice.synthesize("Hola.", piper.SynthesisConfig(speaker_id=speaker)))).audio_float_array
        for speaker in (0, 1)
    )
    assert low.shape == bright.shape
    assert np.abs(low - bright).mean() > 0.05
