"""The neural engines through the whole system, on small models of our own with exact expectations."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.client import Result, translate
from tests.models.fixtures import tiny_nllb, tiny_piper, tiny_whisper
from tests.models.phrases import ENGLISH, TRANSLATIONS
from tests.models.speech import Voice, say
from tests.stack import Stack, running, wait_until

__all__ = ["tiny_nllb", "tiny_piper", "tiny_whisper"]

pytestmark = [pytest.mark.e2e, pytest.mark.provider]

VOICE = Voice("en-us+m3")


@pytest.fixture(scope="module")
def neural_environment(tiny_whisper: Path, tiny_nllb: Path, tiny_piper: Path) -> dict[str, str]:
    voices = ",".join(str(tiny_piper / f"{name}-tiny-low.onnx") for name in ("es_ES", "fr_FR"))
    return {
        "STT_PROVIDER": "faster_whisper",
        "STT_MODEL_SIZE": str(tiny_whisper),
        "STT_LANGUAGES": "en,es",
        "TRANSLATION_PROVIDER": "nllb",
        "TRANSLATION_MODEL": str(tiny_nllb / "ct2"),
        "TTS_PROVIDER": "piper",
        "TTS_MODEL": voices,
    }


@pytest.fixture(scope="module")
def neural(tmp_path_factory: pytest.TempPathFactory, neural_environment: dict[str, str]) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("neural"), **neural_environment) as stack:
        yield stack


def pcm(text: str) -> bytes:
    """The phrase between two silences, s16le 16 kHz."""
    quiet = np.zeros(8_000, np.float32)
    samples = np.concatenate([quiet, say(text, VOICE), quiet])
    return (samples * 32_767).clip(-32_768, 32_767).astype("<i2").tobytes()


async def hear(stack: Stack, text: str, source: str, *targets: str) -> Result:
    return await translate(stack.url, [pcm(text)], source, targets)


def test_spoken_english_becomes_exact_text_in_two_languages_at_once(neural: Stack) -> None:
    right = 0
    for phrase in ENGLISH[:6]:
        result = asyncio.run(hear(neural, phrase, "en", "es", "fr"))
        (segment,) = result.segments.values()
        assert segment.failures == []
        if segment.text != phrase:
            continue
        right += 1
        for target in ("es", "fr"):
            spoken = segment.translations[target]
            assert spoken.text == TRANSLATIONS[target][phrase]
            assert spoken.rate == 24_000
            # The tiny voice speaks each sound for 100 ms.
            assert 300 < spoken.audio_ms < 8_000
            assert np.abs(np.frombuffer(bytes(spoken.pcm), "<i2")).max() > 1_000
    assert right >= 5


def test_the_spoken_language_is_detected(neural: Stack) -> None:
    result = asyncio.run(hear(neural, ENGLISH[0], "auto", "es"))
    (segment,) = result.segments.values()

    assert segment.language == "en"
    assert segment.text == ENGLISH[0]


def test_the_models_in_memory_are_told_to_the_registry(neural: Stack) -> None:
    from bridge.store.registry import Registry

    store = Registry(neural.redis.url)
    wait_until(lambda: all(worker.models for worker in store.workers()), 10, "all tell their models")
    models = {worker.stage: worker.models for worker in store.workers()}
    store.close()

    assert any("whisper" in name for name in models["stt"])
    assert len(models["tts"]) == 2


@pytest.mark.slow
def test_two_engines_of_one_stage_serve_side_by_side(
    tmp_path_factory: pytest.TempPathFactory, neural_environment: dict[str, str]
) -> None:
    """Embedded engines on cpu0, neural ones on cpu1: French is only offered by the latter."""
    folder = tmp_path_factory.mktemp("mixed")
    entries = []
    for stage in ("stt", "translation", "tts"):
        entries.append(f'[[worker]]\nname = "{stage}-cpu0"\nstage = "{stage}"\ndevice = "cpu0"\n')
        prefix = f"{stage.upper()}_"
        own = {name: value for name, value in neural_environment.items() if name.startswith(prefix)}
        env = ", ".join(f'{name} = "{value}"' for name, value in own.items())
        entries.append(
            f'[[worker]]\nname = "{stage}-cpu1"\nstage = "{stage}"\ndevice = "cpu1"\nenv = {{{env}}}\n'
        )
    topology = folder / "topology.toml"
    topology.write_text("\n".join(entries))
    names = [f"{stage}-cpu{number}" for number in (0, 1) for stage in ("stt", "translation", "tts")]
    mixed = Stack(folder, TOPOLOGY=str(topology))
    try:
        mixed.up(names)
        from bridge.store.registry import Registry

        store = Registry(mixed.redis.url)
        wait_until(lambda: len(store.workers()) == 6, 60, "all six workers are there")
        store.close()
        result = asyncio.run(hear(mixed, ENGLISH[0], "en", "ca", "fr"))
    finally:
        mixed.down()
    assert result.started.providers == {
        "stt": "faster_whisper,pocketsphinx",
        "translation": "apertium,nllb",
        "tts": "espeak,piper",
    }
    (segment,) = result.segments.values()
    assert segment.failures == []
    assert segment.translations["fr"].audio_ms > 0
    assert segment.translations["ca"].audio_ms > 0
