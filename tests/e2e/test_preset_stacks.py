"""Each preset as its user starts it, `speechbridge up --preset NAME`: a sentence is seen and heard.

Small models of our own stand in for those that a preset downloads, and fake vendors for those in the cloud;
every other value is the preset's own.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from dotenv import dotenv_values

from bridge.client import Result, translate
from bridge.client.collector import Segment
from bridge.types import STAGES
from tests.bridge.cli.test_up import Up
from tests.bridge.providers.vendors import azure, deepl, elevenlabs
from tests.e2e.test_neural import pcm
from tests.models.fixtures import tiny_nllb, tiny_piper, tiny_whisper
from tests.models.phrases import TRANSLATIONS

__all__ = ["tiny_nllb", "tiny_piper", "tiny_whisper"]

pytestmark = [pytest.mark.e2e, pytest.mark.provider, pytest.mark.slow]

PRESETS = Path(__file__).parents[2] / "config" / "presets"
CLOUD = "under-500ms-cloud"
LOCAL = [
    "standard",
    "low-latency",
    "balanced",
    "high-quality",
    "under-1s",
    "max-quality",
    "cpu-only",
    "vram-4gb",
]
PHRASE = "Where is the train station?"
ABSENT = {"coqui"}
"""Engines in a preset's lists that no machine of the tests has; the next one of the list does their work."""


@pytest.fixture
def models(tiny_whisper: Path, tiny_nllb: Path, tiny_piper: Path) -> dict[str, str]:
    """The variables that lead to the small models."""
    return {
        "STT_MODEL_SIZE": str(tiny_whisper),
        "TRANSLATION_MODEL": str(tiny_nllb / "ct2"),
        "TTS_MODEL": str(tiny_piper / "es_ES-tiny-low.onnx"),
    }


@contextmanager
def up(preset: str, folder: Path, **variables: str) -> Iterator[Up]:
    """The whole system under a preset. Speech is not left out here where the machine has no time for it."""
    folder = folder / "data"
    folder.mkdir()
    running = Up(folder, "--preset", preset, "--no-check", LATENESS_MS="60000", **variables)
    try:
        yield running
    except BaseException:
        print(logs(running))
        raise
    finally:
        running.end(signal.SIGTERM)
    assert running.leftovers() == []


def logs(running: Up) -> str:
    return "\n".join(path.read_text() for path in sorted((running.folder / "logs").glob("*.log")))


def said(running: Up, phrase: str = PHRASE) -> tuple[Result, Segment]:
    """What comes of a phrase that is spoken as into a microphone, and its only segment."""
    url = f"http://127.0.0.1:{running.port}"
    result = asyncio.run(translate(url, [pcm(phrase)], "en", ["es"], realtime=True))
    (segment,) = result.segments.values()
    assert segment.failures == []
    print(f"first audio {result.first_audio_ms(segment, 'es'):.0f} ms, of {result.started.providers}")
    return result, segment


def in_force(result: Result, running: Up, written: Mapping[str, str | None]) -> None:
    """That the system hears, speaks and cuts as the preset says, by its engines."""
    names = {stage: str(written[f"{stage.upper()}_PROVIDER"]) for stage in STAGES}
    assert result.started.providers == names
    found = logs(running)
    listed = {name for each in names.values() for name in each.split(",")}
    assert set(re.findall(r"provider left out.* provider=(\w+)", found)) == listed & ABSENT
    assert "warm-up failed" not in found
    config = result.started.config
    told = {
        "SAMPLE_RATE": config.output.rate,
        "VAD_MIN_SPEECH_MS": config.vad.min_speech_ms,
        "VAD_THRESHOLD": config.vad.threshold,
    }
    for variable in told.keys() & written.keys():
        assert told[variable] == float(written[variable] or "")


@pytest.mark.parametrize("preset", LOCAL)
def test_whole_system_of_the_preset_translates_a_sentence(
    preset: str, tmp_path: Path, models: dict[str, str]
) -> None:
    written = dotenv_values(PRESETS / f"{preset}.env")
    if "TRANSLATION_MAX_LENGTH" not in written:
        models["TRANSLATION_MAX_LENGTH"] = "60"  # all that the small model has room for
    if written.get("STT_COMPUTE_TYPE") == "float16":
        models["STT_COMPUTE_TYPE"] = "float32"  # as no processor computes in it

    with up(preset, tmp_path, **models) as running:
        result, segment = said(running)
        in_force(result, running, written)

    spoken = segment.translations["es"]
    assert segment.text == PHRASE
    assert spoken.text == TRANSLATIONS["es"][PHRASE]
    assert spoken.rate == result.started.config.output.rate
    assert 300 < spoken.audio_ms < 8_000
    assert np.abs(np.frombuffer(bytes(spoken.pcm), "<i2")).max() > 1_000


def test_whole_system_of_the_cloud_translates_a_sentence_by_its_vendors(tmp_path: Path) -> None:
    hears, translates, speaks = azure.Azure(), deepl.DeepLApi(), elevenlabs.ElevenLabs()
    accounts = {
        "AZURE_SPEECH_KEY": azure.KEY,
        "AZURE_SPEECH_ENDPOINT": hears.url,
        "DEEPL_API_KEY": deepl.KEY,
        "DEEPL_BASE_URL": translates.url,
        "ELEVENLABS_API_KEY": elevenlabs.KEY,
        "ELEVENLABS_BASE_URL": speaks.url,
    }

    with (
        hears.running(),
        translates.running(),
        speaks.running(),
        up(CLOUD, tmp_path, **accounts) as running,
    ):
        result, segment = said(running)
        in_force(result, running, dotenv_values(PRESETS / f"{CLOUD}.env"))
        for key in (azure.KEY, deepl.KEY, elevenlabs.KEY):
            assert key not in running.said + logs(running)

    spoken = segment.translations["es"]
    assert segment.text.startswith("en-US ")
    assert spoken.text == f"~{segment.text}~"
    assert translates.asked[-1].json["model_type"] == "latency_optimized"
    uttered = speaks.asked[-1].json
    assert uttered["model_id"] == "eleven_flash_v2_5"
    assert segment.text in uttered["text"]
    assert spoken.audio_ms == pytest.approx(elevenlabs.MS_PER_LETTER * len(uttered["text"]), abs=20)
