"""The real kokoro-onnx with a network that hums: a tenth of a second per phoneme, as loud as its voice."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from bridge.errors import LanguageError, ProviderError, ProviderMissing, SettingsError
from bridge.providers import load
from bridge.types import Audio, Utterance
from tests.bridge.providers.tts.humming import Recorded
from tests.hearing import rms
from tests.models import kokoro as tiny
from tests.models.fixtures import tiny_kokoro as tiny_kokoro

pytestmark = pytest.mark.provider

TWO = "Buenos días a todos. El tren sale a las nueve."
LONG = "Mañana por la mañana nos vemos en la estación de trenes, y después vamos al mercado."

Build = Callable[..., Any]


@pytest.fixture
def kokoro(tiny_kokoro: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    """Builds the provider with variables set, and closes it."""
    built: list[Any] = []
    monkeypatch.setenv("KOKORO_MODEL", str(tiny_kokoro))

    def build(**variables: object) -> Any:
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        try:
            built.append(load("tts", "kokoro"))
        except ProviderMissing as missing:
            if "not installed" in str(missing) and not os.environ.get("CI"):
                pytest.skip(str(missing))
            raise
        return built[-1]

    yield build
    for provider in built:
        provider.close()


def say(
    engine: Any, text: str = TWO, language: str = "es", voice: str | None = None, **more: Any
) -> list[Audio]:
    return list(engine.synthesize(Utterance(text, language, voice, **more)))


def loudness(pieces: list[Audio]) -> float:
    """Of full scale, where a hum has the root of half its peak."""
    return rms(pieces[0].pcm) / 32_768 * 2**0.5


def test_each_sentence_is_a_piece_behind_a_pause(kokoro: Build) -> None:
    first, second = say(kokoro())
    assert {first.rate, second.rate} == {24_000}
    pause = second.pcm[: 2 * 24_000 // 4]
    assert rms(pause) == 0 < rms(second.pcm[len(pause) : len(pause) + 480]) and rms(first.pcm[:480]) > 0
    said = say(kokoro(), TWO.partition(" El")[0])
    assert [piece.pcm for piece in said] == [first.pcm]


def test_first_clause_comes_by_itself_where_it_is_waited_for(kokoro: Build) -> None:
    engine = kokoro()
    (whole,) = say(engine, LONG)
    clauses = say(engine, LONG, soon=True)
    assert len(clauses) == 2 and clauses[0].ms < 0.7 * whole.ms
    assert sum(piece.ms for piece in clauses) == pytest.approx(whole.ms, abs=300)


def test_voices_tell_their_languages_and_those_that_cannot_be_read_are_left_out(kokoro: Build) -> None:
    engine = kokoro()
    assert {"en", "en-GB", "es", "es-419", "fr", "fr-CH"} <= engine.languages()
    assert not {"ja", "zh", "pt", "hi"} & engine.languages()
    with pytest.raises(LanguageError, match="zh") as raised:
        say(engine, "你好", "zh")
    assert "fr" in raised.value.hint


def test_language_of_one_region_is_spoken_by_its_voice(kokoro: Build, tmp_path: Path) -> None:
    engine = kokoro(KOKORO_MODEL=tiny.make(tmp_path / "own", {"pm_alex": 0.5, "bm_lewis": 0.25}))
    assert {"pt", "pt-BR", "en", "en-GB"} <= engine.languages()
    assert loudness(say(engine, "Bom dia.", "pt")) == pytest.approx(0.5, rel=0.05)
    assert loudness(say(engine, "Good morning.", "en")) == pytest.approx(0.25, rel=0.05)


def test_voice_is_the_best_one_the_operators_or_the_segments(kokoro: Build) -> None:
    assert loudness(say(kokoro())) == pytest.approx(0.5, rel=0.05)
    chosen = kokoro(KOKORO_VOICES="em_alex, am_michael")
    assert loudness(say(chosen)) == pytest.approx(0.25, rel=0.05)
    assert loudness(say(chosen, "Good day.", "en-GB")) == pytest.approx(0.5, rel=0.05)
    assert loudness(say(chosen, voice="ef_dora")) == pytest.approx(0.5, rel=0.05)
    assert loudness(say(chosen, "Good day.", "en-GB", "am_michael")) == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize("voice", ["ef_nobody", "af_heart", "jf_alpha", ""])
def test_voice_of_another_language_is_refused_with_those_of_this_one(kokoro: Build, voice: str) -> None:
    engine = kokoro()
    if not voice:
        assert say(engine, voice=voice)
        return
    with pytest.raises(ProviderError, match=voice) as raised:
        say(engine, voice=voice)
    assert "ef_dora, em_alex" in raised.value.hint
    with pytest.raises(SettingsError, match="KOKORO_VOICES=ef_dora,xx_none names xx_none"):
        kokoro(KOKORO_VOICES="ef_dora,xx_none")


def test_foreign_words_are_said_without_the_marks_around_them(kokoro: Build) -> None:
    engine, text = kokoro(), "Bonjour à tous, le meeting est fini."
    with engine._lease() as model:
        said = model.phonemes(text, "fr-fr")
    assert "m\u02c8i\u02d0t\u026a\u014b" in said and not set("()") & set(said)
    assert say(engine, text, "fr")[0].ms == pytest.approx(100 * len(said), abs=100)


def test_text_without_a_sound_is_left_out(kokoro: Build) -> None:
    engine = kokoro()
    assert say(engine, "… —") == []
    assert len(say(engine, "… ! Hola.")) == 1


def test_speed_is_that_of_the_variable_times_that_of_the_segment_up_to_double(
    kokoro: Build,
) -> None:
    usual = say(kokoro(), LONG)[0].ms
    quick = kokoro(TTS_SPEED=1.6)
    assert say(quick, LONG)[0].ms == pytest.approx(usual / 1.6, rel=0.03)
    assert say(quick, LONG, speed=1.25)[0].ms == pytest.approx(usual / 2, rel=0.03)
    assert say(quick, LONG, speed=3)[0].ms == pytest.approx(usual / 2, rel=0.03)


def test_onnx_runtime_gets_the_options_and_the_model_is_loaded_once(
    kokoro: Build, monkeypatch: pytest.MonkeyPatch, tiny_kokoro: Path
) -> None:
    monkeypatch.setattr(onnxruntime, "InferenceSession", Recorded)
    Recorded.made, Recorded.ran = [], []
    engine = kokoro(ORT_INTRA_OP_THREADS=2, ORT_OPTIMIZATION="basic")
    say(engine), say(engine, "Good morning.", "en")
    (made,) = Recorded.made
    options = made["sess_options"]
    assert made["path"] == str(tiny_kokoro / "kokoro-v1.0.onnx")
    assert (options.intra_op_num_threads, options.graph_optimization_level.name) == (2, "ORT_ENABLE_BASIC")
    assert len(Recorded.ran) == 3 and {run["style"].shape for run in Recorded.ran} == {(1, 256)}


def test_closed_engine_has_freed_its_model(kokoro: Build) -> None:
    engine = kokoro()
    assert engine.resident() == ("kokoro-v1.0",)
    engine.close()
    assert engine.resident() == ()


def test_model_is_a_folder_a_file_or_a_pulled_name(
    kokoro: Build, tiny_kokoro: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))
    with pytest.raises(ProviderMissing, match=r"no kokoro model v1\.0") as raised:
        kokoro(KOKORO_MODEL="v1.0")
    assert raised.value.hint == "speechbridge models pull kokoro v1.0"
    place = tmp_path / "models" / "kokoro" / "v1.0"
    shutil.copytree(tiny_kokoro, place)
    shutil.copy(place / "kokoro-v1.0.onnx", place / "kokoro-v1.0.int8.onnx")
    assert kokoro(KOKORO_MODEL="v1.0").resident() == ("kokoro-v1.0",)
    assert kokoro(KOKORO_MODEL=place / "kokoro-v1.0.int8.onnx").resident() == ("kokoro-v1.0.int8",)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("voices-v1.0.bin", None, r"has no voices\*\.bin"),
        ("kokoro-v1.0.onnx", None, r"has no \.onnx"),
        ("voices-v1.0.bin", b"nothing", "voices .* cannot be loaded"),
        ("kokoro-v1.0.onnx", b"nothing", "model .* cannot be loaded"),
    ],
)
def test_files_that_are_missing_or_damaged_are_told_with_the_command_that_fetches_them(
    file: str, content: bytes | None, message: str, kokoro: Build, tiny_kokoro: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_kokoro, tmp_path / "own")
    (folder / file).unlink()
    if content:
        (folder / file).write_bytes(content)
    with pytest.raises(ProviderMissing, match=message) as raised:
        kokoro(KOKORO_MODEL=folder)
    assert "models pull kokoro v1.0" in raised.value.hint


def test_voices_of_languages_that_cannot_be_read_alone_are_refused(kokoro: Build, tmp_path: Path) -> None:
    with pytest.raises(ProviderMissing, match="none of a language that is read here"):
        kokoro(KOKORO_MODEL=tiny.make(tmp_path / "own", {"zf_xiaobei": 0.5}))


def test_failure_of_the_engine_tells_no_text(kokoro: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = kokoro()
    with engine._lease() as model:
        monkeypatch.setitem(model.styles, "ef_dora", np.zeros((510, 1, 7), np.float32)[:, :, :0])
    with pytest.raises(ProviderError, match=r"Kokoro failed on \d+ phonemes") as raised:
        say(engine, "un secreto")
    assert "secreto" not in str(raised.value) and "sekɾ" not in str(raised.value)
