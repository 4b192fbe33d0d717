"""A pulled model under its name is what the engine of its kind loads, from the hub to the words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import ProviderMissing
from bridge.models.catalogue import Kind
from bridge.models.library import pull
from bridge.providers import load
from bridge.types import Phrase, Stage
from tests.hub import Hub
from tests.models.fixtures import tiny_kokoro as tiny_kokoro
from tests.models.fixtures import tiny_nllb as tiny_nllb
from tests.models.fixtures import tiny_piper as tiny_piper
from tests.models.fixtures import tiny_whisper as tiny_whisper

pytestmark = pytest.mark.provider


def contents(folder: Path, below: str = "") -> dict[str, bytes]:
    return {below + path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def hub(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tiny_whisper: Path,
    tiny_nllb: Path,
    tiny_piper: Path,
    tiny_kokoro: Path,
) -> Iterator[Hub]:
    voice = contents(tiny_piper, "es/es_ES/tiny/low/")
    made = Hub(
        {
            "Systran/faster-whisper-tiny": contents(tiny_whisper),
            "facebook/nllb-200-tiny": contents(tiny_nllb / "hf"),
            "rhasspy/piper-voices": voice,
            "fastrtc/kokoro-onnx": contents(tiny_kokoro) | {"config.json": b"{}"},
        }
    )
    made.start()
    monkeypatch.setenv("HF_ENDPOINT", made.url)
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("kind", "name", "stage", "provider", "variable"),
    [
        ("whisper", "tiny", "stt", "faster_whisper", "STT_MODEL_SIZE"),
        ("nllb", "facebook/nllb-200-tiny", "translation", "nllb", "TRANSLATION_MODEL"),
        ("nllb-transformers", "nllb-200-tiny", "translation", "nllb-transformers", "TRANSLATION_MODEL"),
        ("piper", "es_ES-tiny-low", "tts", "piper", "TTS_MODEL"),
        ("kokoro", "v1.0", "tts", "kokoro", "KOKORO_MODEL"),
    ],
)
def test_a_pulled_model_is_loaded_by_its_name(
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
    kind: Kind,
    name: str,
    stage: Stage,
    provider: str,
    variable: str,
) -> None:
    monkeypatch.setenv(variable, name)
    with pytest.raises(ProviderMissing, match=rf"{name.rpartition('/')[2]}") as caught:
        load(stage, provider)
    assert "speechbridge models pull" in caught.value.hint or "pip install" in caught.value.hint
    if "pip install" in caught.value.hint:
        if os.environ.get("CI"):
            pytest.fail("The setup installs this engine.")
        pytest.skip(caught.value.hint)

    pull(kind, name, lambda *told: None)
    hub.asked.clear()
    engine = load(stage, provider)
    assert engine.resident()
    assert hub.asked == []
    if stage == "translation":
        assert engine.translate(Phrase("Good morning.", "en", "es")).text == "Buenos días."
    engine.close()
