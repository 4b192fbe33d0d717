"""The small Whisper hears its phrases by voices that it never heard, and nothing where nobody speaks."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.types import SPEECH_RATE
from tests.models.fixtures import engine
from tests.models.phrases import ENGLISH, SPANISH
from tests.models.sounds import coloured
from tests.models.speech import VARIANTS, Samples, Voice, say

pytestmark = pytest.mark.provider

PHRASES = {"en": ENGLISH, "es": SPANISH}
UNSEEN = {"en": ("en-us+m7", "en-gb-scotland+f4"), "es": ("es+m7", "es-419+f4")}
STATISTICS = [
    pytest.param(
        language, voice, timed, marks=[] if (timed, at) in ((False, 0), (True, 1)) else pytest.mark.slow
    )
    for timed in (False, True)
    for language, voices in UNSEEN.items()
    for at, voice in enumerate(voices)
]
"""By default each voice is heard once, either with timestamps or without."""

FAST = {"beam_size": 1, "temperature": 0.0, "condition_on_previous_text": False}


@pytest.fixture(scope="module")
def whisper(tiny_whisper: Path) -> Any:
    return engine("faster_whisper").WhisperModel(
        str(tiny_whisper), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
    )


@pytest.fixture(scope="module")
def sounds() -> dict[str, Samples]:
    """What is no speech, made otherwise than in the training."""
    random = np.random.default_rng(1)
    seconds = np.arange(2 * SPEECH_RATE) / SPEECH_RATE
    made: dict[str, NDArray[Any]] = {
        "silence": np.zeros(3 * SPEECH_RATE),
        "a short silence": np.zeros(SPEECH_RATE // 5),
        "loud white noise": 0.2 * random.standard_normal(2 * SPEECH_RATE),
        "faint white noise": 0.003 * random.standard_normal(4 * SPEECH_RATE),
        "ten seconds of noise": 0.03 * random.standard_normal(10 * SPEECH_RATE),
        "pink noise": 20 * coloured(random, SPEECH_RATE, 0.5),
        "the last bit of a converter": random.integers(-1, 2, SPEECH_RATE) / 32768,
        "a tone of 440 Hz": 0.3 * np.sin(2 * np.pi * 440 * seconds),
        "a tone of 1 kHz": 0.9 * np.sin(2 * np.pi * 1000 * seconds),
        "hum of the mains": 0.1 * np.sin(2 * np.pi * 50 * seconds) + 0.05 * np.sin(2 * np.pi * 150 * seconds),
    }
    return {name: samples.astype(np.float32) for name, samples in made.items()}


def hear(whisper: Any, samples: Samples, language: str, **options: Any) -> list[Any]:
    segments, _ = whisper.transcribe(samples, language=language, **{**FAST, **options})
    return list(segments)


def spoken(phrase: str, voice: str) -> Samples:
    """The phrase within the silence that the gateway leaves around it."""
    return np.pad(say(phrase, Voice(voice)), (SPEECH_RATE // 10, SPEECH_RATE // 5))


def text(segments: list[Any]) -> str:
    return " ".join(segment.text.strip() for segment in segments)


@pytest.mark.parametrize(("language", "voice", "timed"), STATISTICS)
def test_voices_never_heard_before_are_understood(
    whisper: Any, language: str, voice: str, timed: bool
) -> None:
    assert voice.partition("+")[2] not in VARIANTS
    said = PHRASES[language][timed::2]
    heard = [
        text(hear(whisper, spoken(phrase, voice), language, without_timestamps=not timed)) for phrase in said
    ]
    exact = sum(phrase == one for phrase, one in zip(said, heard, strict=True))
    assert exact >= 0.9 * len(said), list(zip(said, heard, strict=True))


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_language_spoken_is_found(whisper: Any, language: str) -> None:
    found = [whisper.transcribe(spoken(phrase, language))[1].language for phrase in PHRASES[language][::2]]
    assert found.count(language) >= 0.9 * len(found), found


@pytest.mark.parametrize(
    ("language", "no_speech_threshold", "timed"),
    [
        ("en", 0.6, False),
        ("es", None, True),
        *(
            pytest.param(*options, marks=pytest.mark.slow)
            for options in product(("en", "es"), (0.6, None), (False, True))
            if options not in (("en", 0.6, False), ("es", None, True))
        ),
    ],
)
def test_what_is_no_speech_has_no_text(
    whisper: Any,
    sounds: dict[str, Samples],
    language: str,
    no_speech_threshold: float | None,
    timed: bool,
) -> None:
    options = {"no_speech_threshold": no_speech_threshold, "without_timestamps": not timed}
    texts = {name: text(hear(whisper, samples, language, **options)) for name, samples in sounds.items()}
    assert set(texts.values()) == {""}, texts


def test_a_prompt_does_not_change_what_is_heard(whisper: Any) -> None:
    heard = hear(whisper, spoken("Go forward ten meters.", "en-us"), "en", initial_prompt="Anna, Madrid")
    assert text(heard) == "Go forward ten meters."
