"""Flash attention is asked for by a variable, and refused with a reason where it cannot be had.

No test machine has a GPU: where one is pretended, the model runs on the processor behind the engine's door.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctranslate2
import faster_whisper
import pytest

from bridge.errors import SettingsError
from bridge.providers import flash, load
from bridge.types import Phrase, Speech, Stage
from tests.bridge.providers.conftest import clip
from tests.models.fixtures import tiny_nllb as tiny_nllb
from tests.models.fixtures import tiny_whisper as tiny_whisper

pytestmark = pytest.mark.provider

NAMES: dict[Stage, str] = {"stt": "faster_whisper", "translation": "nllb"}

STAGES = pytest.mark.parametrize("stage", NAMES)

LACKING = "Flash attention 2 is not supported"
"""What CTranslate2 says at the first use where its build has none."""


@pytest.fixture(autouse=True)
def _models(monkeypatch: pytest.MonkeyPatch, tiny_whisper: Path, tiny_nllb: Path) -> None:
    for name, value in {
        "STT_MODEL_SIZE": str(tiny_whisper),
        "TRANSLATION_MODEL": str(tiny_nllb / "ct2"),
        "TRANSLATION_THREADS": "1",
        "FLASH_ATTENTION": "true",
    }.items():
        monkeypatch.setenv(name, value)


Pretend = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Pretends a GPU to both engines; `lacking` is what their builds say at the first use."""

    def pretend(lacking: str = "") -> list[dict[str, Any]]:
        given: list[dict[str, Any]] = []

        class Behind:
            def __init__(self, real: Any) -> None:
                self._real = real

            def __getattr__(self, name: str) -> Any:
                if lacking and name in ("encode", "translate_batch"):
                    raise RuntimeError(lacking)
                return getattr(self._real, name)

        def translator(folder: str, **options: Any) -> Behind:
            given.append(options)
            return Behind(real_translator(folder, intra_threads=1))

        class Model(faster_whisper.WhisperModel):  # type: ignore[misc]
            def __init__(self, folder: str, **options: Any) -> None:
                given.append(options)
                super().__init__(folder, device="cpu", local_files_only=True)
                self.model: Any = Behind(self.model)

        real_translator = ctranslate2.Translator
        monkeypatch.setattr(ctranslate2, "Translator", translator)
        monkeypatch.setattr(faster_whisper, "WhisperModel", Model)
        monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
        monkeypatch.setattr(
            ctranslate2, "get_supported_compute_types", lambda *_: {"float16", "int8_float16"}
        )
        return given

    return pretend


def work(engine: Any, stage: Stage) -> object:
    if stage == "translation":
        return engine.translate(Phrase("Good night.", "en", "es")).text
    return engine.transcribe(Speech(clip("cards_001.wav"), "en")).language


@STAGES
def test_flash_attention_is_refused_on_a_processor_by_the_name_of_the_stage(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{stage.upper()}_DEVICE", "cpu")
    with pytest.raises(
        SettingsError, match=f"{stage.upper()}_FLASH_ATTENTION=true needs a GPU.* cpu"
    ) as raised:
        load(stage, NAMES[stage])
    assert raised.value.hint


@STAGES
def test_the_stage_alone_may_be_told_otherwise(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{stage.upper()}_FLASH_ATTENTION", "false")
    load(stage, NAMES[stage]).close()


@STAGES
def test_flash_attention_reaches_the_engine_on_a_gpu(stage: Stage, gpu: Pretend) -> None:
    given = gpu()
    engine = load(stage, NAMES[stage])
    assert work(engine, stage) in ("Buenas noches.", "en")
    engine.close()
    assert [(each["device"], each["flash_attention"]) for each in given] == [("cuda", True)]


@STAGES
def test_build_without_it_is_told_at_start_and_not_at_the_first_words(stage: Stage, gpu: Pretend) -> None:
    gpu(LACKING)
    with pytest.raises(SettingsError, match=f"{stage.upper()}_FLASH_ATTENTION=true.*{LACKING}") as raised:
        load(stage, NAMES[stage])
    assert "4.4.0" in raised.value.hint


@STAGES
def test_without_the_variable_such_a_build_serves(
    stage: Stage, gpu: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = gpu(LACKING)
    monkeypatch.delenv("FLASH_ATTENTION")
    load(stage, NAMES[stage]).close()
    assert [each["flash_attention"] for each in given] == [False]


def test_what_the_engine_itself_says_of_flash_attention_is_understood(tiny_nllb: Path) -> None:
    with (
        pytest.raises(SettingsError, match=r"TRANSLATION_FLASH_ATTENTION=true.*Ampere"),
        flash.tried("translation"),
    ):
        ctranslate2.Translator(str(tiny_nllb / "ct2"), device="cpu", flash_attention=True)
    with pytest.raises(RuntimeError, match="another"), flash.tried("translation"):
        raise RuntimeError("another trouble")
