"""Each preset: providers that exist, variables that act on them, values that are valid, models that exist."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dotenv import dotenv_values

from bridge import options
from bridge.models.catalogue import repository_of
from bridge.options import Options
from bridge.providers import Row, option_classes
from bridge.providers import chosen as listed
from bridge.settings import Settings
from bridge.types import STAGES

FOLDER = Path(__file__).parents[2] / "config" / "presets"
NAMES = sorted(file.stem for file in FOLDER.glob("*.env"))
NEURAL = {
    "standard",
    "low-latency",
    "balanced",
    "high-quality",
    "under-1s",
    "max-quality",
    "cpu-only",
    "vram-4gb",
}

PRESETS = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True)
def _only_the_preset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a developer has set in the environment or in `.env` stays out of the tests."""
    classes: list[type[Options]] = [Settings, *option_classes()]
    known = {variable for kind in classes for variable in options.variables(kind)}
    for variable in [name for name in os.environ if name.upper() in known]:
        monkeypatch.delenv(variable)
    monkeypatch.setattr(options, "DOTENV", tmp_path / ".env")
    monkeypatch.setenv("CONFIG_DIR", str(FOLDER.parent))


def providers() -> list[Row]:
    """Those of the preset in force."""
    chosen = Settings.read()
    return [each for stage in STAGES for each in listed(stage, getattr(chosen, f"{stage}_provider"))]


def test_every_promised_preset_is_there() -> None:
    assert {"embedded", "simulated", "under-500ms-cloud"} | NEURAL == set(NAMES)


@PRESETS
def test_every_variable_is_read_by_the_core_or_an_engine_of_the_preset(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESET", name)
    classes: list[type[Options]] = [Settings, *(provider.cls().Options for provider in providers())]
    known = [variable for kind in classes for variable in options.variables(kind)]
    assert options.unknown(known) == []
    assert dotenv_values(FOLDER / f"{name}.env")


@PRESETS
def test_every_value_is_valid_and_in_force(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESET", name)
    read = [Settings.read(), *(provider.cls().Options.read() for provider in providers())]
    sources = {origin.variable: origin.source for values in read for origin in options.origins(values)}
    written = dotenv_values(FOLDER / f"{name}.env")
    assert {sources[variable] for variable in written} == {f"preset {name}"}


@PRESETS
def test_models_of_the_preset_can_be_pulled_by_their_names(name: str) -> None:
    written = dotenv_values(FOLDER / f"{name}.env")
    if size := written.get("STT_MODEL_SIZE"):
        assert repository_of("whisper", size)
    if model := written.get("TRANSLATION_MODEL"):
        assert repository_of("nllb", model) == model


@PRESETS
def test_first_line_says_what_the_preset_is_for(name: str) -> None:
    first, *_ = (FOLDER / f"{name}.env").read_text().splitlines()
    assert first.startswith("# ") and first.endswith(".")


@pytest.mark.parametrize("name", sorted(NEURAL))
def test_neural_presets_hear_by_whisper_and_translate_by_nllb(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESET", name)
    chosen = Settings.read()
    speaks = {"low-latency": "pyttsx3,espeak", "high-quality": "coqui,piper"}.get(name, "piper")
    assert (chosen.stt_provider, chosen.translation_provider, chosen.tts_provider) == (
        "faster_whisper",
        "nllb",
        speaks,
    )
