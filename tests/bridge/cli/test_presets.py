"""`speechbridge presets` says what each preset needs, and whether this machine has it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.cli.presets import CLAIMED, Preset, _engine, _lines, _measured, _plan, _preset
from bridge.cli.probe import Probe
from tests.stack import REPOSITORY

FOLDER = REPOSITORY / "config" / "presets"


@pytest.fixture(autouse=True)
def _ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_DIR", str(FOLDER.parent))


def test_the_engines_are_those_of_the_preset_whichever_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESET", "embedded")
    keys, gpu = _plan("max-quality")
    assert [key[:2] for key in keys] == [("stt", "faster_whisper"), ("translation", "nllb"), ("tts", "piper")]
    assert (gpu, dict(keys[0][3])["STT_MODEL_SIZE"]) == ("required", "large-v3")
    assert _plan("embedded")[0][0][1] == "pocketsphinx"


def test_presets_with_the_same_engine_and_values_ask_it_once() -> None:
    low, under = _plan("balanced")[0][1], _plan("cpu-only")[0][1]
    assert low[3] != under[3]
    assert _plan("simulated") == _plan("simulated")


def test_a_preset_starts_where_each_stage_has_an_engine_that_can_be_had() -> None:
    def described(*errors: str) -> Preset:
        stages = ("stt", "translation", "tts", "tts")
        engines = [
            _engine((stage, f"engine {n}", "standard", ()), Probe(error=error, hint="Pull it."))  # type: ignore[arg-type]
            for n, (stage, error) in enumerate(zip(stages, errors, strict=True))
        ]
        return _preset(FOLDER / "standard.env", engines, "useful")

    assert described("", "", "No package.", "").starts
    assert not described("", "", "No package.", "No voice.").starts
    assert not described("No model.", "", "", "").starts
    lines = list(_lines(described("", "", "No package.", "")))
    assert lines[0].startswith("\nstandard: Good recognition") and lines[0].endswith("A GPU helps.")
    assert lines[1:] == [
        "  stt engine 0, translation engine 1, tts engine 2, else engine 3",
        "  tts, engine 2: No package.",
        "    → Pull it.",
    ]


def test_what_is_claimed_and_what_was_measured_stand_apart() -> None:
    assert CLAIMED.keys() <= {file.stem for file in FOLDER.glob("*.env")}
    assert _measured("embedded").endswith("first audio, 2026-11-27")
    assert _measured("standard") == ""


@pytest.mark.slow
def test_all_are_listed_and_the_embedded_one_starts() -> None:
    ran = CliRunner().invoke(app, ["presets", "--json"])
    found = {each["name"]: each for each in json.loads(ran.output)}
    assert found.keys() == {file.stem for file in FOLDER.glob("*.env")}
    assert found["embedded"]["starts"] and found["simulated"]["starts"]
    cloud = found["under-500ms-cloud"]
    assert not cloud["starts"] and "AZURE_SPEECH_KEY" in cloud["engines"][0]["error"]
    assert CliRunner().invoke(app, ["presets"]).output.count("starts here") == 1
