"""What can be set for Whisper, and which models it takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import faster_whisper
import pytest
from structlog.testing import capture_logs

from bridge.errors import LanguageError, ProviderMissing, SettingsError
from bridge.providers.stt.whisper_options import FasterWhisperOptions
from bridge.types import Speech
from tests.bridge.providers.stt.english import english_only
from tests.bridge.providers.stt.recorded import (
    PHRASE,
    Build,
    recorded,
    spoken,
)

pytestmark = pytest.mark.provider


def test_options_of_place_and_threads_reach_the_engine(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []

    class Noting(faster_whisper.WhisperModel):  # type: ignore[misc]
        def __init__(self, folder: str, **options: Any) -> None:
            given.append(options)
            super().__init__(folder, **options)

    monkeypatch.setattr(faster_whisper, "WhisperModel", Noting)
    provider = build(stt_device="cpu", stt_compute_type="float32", stt_cpu_threads=1, stt_num_workers=2)
    assert given == [
        {
            "local_files_only": True,
            "device": "cpu",
            "device_index": 0,
            "compute_type": "float32",
            "cpu_threads": 1,
            "num_workers": 2,
            "flash_attention": False,
        }
    ]
    engine = recorded(provider)
    assert (engine.device, engine.compute_type, engine.num_workers) == ("cpu", "float32", 2)


def test_short_names_of_the_variables_act_too(tiny_whisper: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "MODEL_SIZE": str(tiny_whisper),
        "DEVICE": "cpu",
        "COMPUTE_TYPE": "int8",
        "BEAM_SIZE": "2",
        "BEST_OF": "3",
        "TEMPERATURE": "0.5",
        "VAD_FILTER": "true",
        "NUM_WORKERS": "2",
        "CPU_THREADS": "1",
        "BATCH_SIZE": "4",
    }.items():
        monkeypatch.setenv(name, value)
    options = FasterWhisperOptions.read()
    assert (options.stt_model_size, options.stt_device) == (str(tiny_whisper), "cpu")
    assert (options.stt_compute_type, options.stt_beam_size, options.stt_best_of) == ("int8", 2, 3)
    assert (options.temperatures, options.stt_vad_filter, options.stt_num_workers) == ((0.5,), True, 2)
    assert (options.stt_cpu_threads, options.stt_batch_size) == (1, 4)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("stt_device", "gpu", "STT_DEVICE=gpu"),
        ("stt_device", "cuda:99", r"STT_DEVICE=cuda:99 is not there: this process sees .*GPU"),
        ("stt_compute_type", "int4", r"STT_COMPUTE_TYPE=int4 does not run on .*auto, default, .*float32"),
        ("stt_temperature", "warm", "STT_TEMPERATURE=warm .*0 to 1"),
        ("stt_temperature", "0,1.5", "STT_TEMPERATURE=0,1.5 .*0 to 1"),
        ("stt_temperature", "nan", "STT_TEMPERATURE=nan .*0 to 1"),
        ("stt_beam_size", "0", "STT_BEAM_SIZE=0"),
        ("stt_languages", "en,klingon", "STT_LANGUAGES=en,klingon .*klingon"),
        ("stt_languages", "en,ltg", "STT_LANGUAGES=en,ltg .*Latgalian"),
    ],
)
def test_wrong_option_is_named_with_what_is_allowed(
    build: Build, option: str, value: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        build(**{option: value})


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"stt_best_of": 5}, "STT_BEST_OF has no effect"),
        ({"stt_beam_size": 5, "stt_temperature": "0.2"}, "STT_BEAM_SIZE has no effect"),
    ],
)
def test_option_without_effect_is_pointed_out_once(build: Build, options: dict[str, Any], word: str) -> None:
    with capture_logs() as logs:
        provider = build(**options)
        provider.transcribe(Speech(spoken(PHRASE), "en"))
    warnings = [entry["event"] for entry in logs if entry["log_level"] == "warning"]
    assert len(warnings) == 1 and warnings[0].startswith(word)


def test_plain_options_warn_of_nothing(build: Build) -> None:
    with capture_logs() as logs:
        build(stt_beam_size=5, stt_temperature="0,0.4", stt_best_of=2)
    assert [entry for entry in logs if entry["log_level"] == "warning"] == []


def test_unknown_model_is_refused_with_the_command_that_fetches_it(build: Build) -> None:
    with pytest.raises(ProviderMissing, match="models pull whisper large-v3"):
        build(stt_model_size="large-v3")


@pytest.mark.parametrize("file", ["tokenizer.json", "model.bin", "config.json"])
def test_folder_that_lacks_a_file_is_refused_before_the_hub_is_asked(
    build: Build, tiny_whisper: Path, tmp_path: Path, file: str
) -> None:
    folder = shutil.copytree(tiny_whisper, tmp_path / "model")
    (folder / file).unlink()
    with pytest.raises(ProviderMissing, match=f"lacks {file}") as raised:
        build(stt_model_size=str(folder))
    assert raised.value.hint


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("model.bin", "no model", "Whisper model in .* cannot be loaded"),
        ("tokenizer.json", "{}", "Whisper model in .* cannot be loaded"),
        ("config.json", "{}", "lists no lang_ids"),
        ("preprocessor_config.json", json.dumps({"feature_size": 128}), "80 mel bands, .* with 128"),
    ],
)
def test_broken_model_says_what_is_wrong_with_it(
    build: Build, tiny_whisper: Path, tmp_path: Path, file: str, content: str, message: str
) -> None:
    folder = shutil.copytree(tiny_whisper, tmp_path / "model")
    (folder / file).write_text(content)
    with pytest.raises(ProviderMissing, match=message) as raised:
        build(stt_model_size=str(folder))
    assert raised.value.hint


def test_loaded_model_is_named_until_it_is_closed(build: Build, tiny_whisper: Path) -> None:
    provider = build()
    assert provider.resident() == (str(tiny_whisper),)


def test_model_of_the_models_folder_is_found_by_its_name(
    build: Build, tiny_whisper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_whisper, tmp_path / "models" / "whisper" / "somebody--whisper-x")
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))
    provider = build(stt_model_size="somebody/whisper-x")
    assert provider.transcribe(Speech(spoken(PHRASE), "en")).text == PHRASE
    assert provider.resident() == ("somebody/whisper-x",)


def test_english_only_model_refuses_another_language(build: Build, tmp_path: Path) -> None:
    provider = build(stt_model_size=str(english_only(tmp_path / "base.en")))
    assert not provider.detects
    assert {tag.partition("-")[0] for tag in provider.languages()} == {"en"}
    with pytest.raises(LanguageError, match=r"base\.en knows English only, so not es") as raised:
        provider.transcribe(Speech(spoken(PHRASE), "es"))
    assert "without .en" in raised.value.hint


def test_english_only_model_is_told_no_language(build: Build, tmp_path: Path) -> None:
    provider = build(stt_model_size=str(english_only(tmp_path / "base.en")), stt_log_prob_threshold=-100)
    engine = recorded(provider)
    assert provider.transcribe(Speech(spoken(PHRASE))).language in ("en", "und")
    with provider._lease() as whisper:
        tokens = map(whisper.model.hf_tokenizer.id_to_token, engine.generated[0]["prompts"][0])
    assert list(tokens) == ["<|startoftranscript|>", "<|notimestamps|>"]


def test_english_only_model_takes_no_other_language_to_detect(build: Build, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"STT_LANGUAGES=en,es .*English only"):
        build(stt_model_size=str(english_only(tmp_path / "base.en")), stt_languages="en,es")
