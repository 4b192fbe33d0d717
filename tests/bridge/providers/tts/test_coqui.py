"""XTTS: its terms, voices and pieces, on a package that hums, and on the real one where it is installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import LanguageError, ProviderError, ProviderMissing, SettingsError
from bridge.models.library import pull
from bridge.providers import load
from bridge.types import Audio, Utterance
from tests.bridge.providers.vendors import xtts
from tests.bridge.providers.vendors.cosyvoice import recording
from tests.hearing import rms
from tests.models import xtts as random_xtts

pytestmark = pytest.mark.provider

TEXT = "Mañana por la mañana nos vemos en la estación de trenes, y después vamos al mercado."

Build = Callable[..., Any]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Build]:
    """Builds the provider with variables set, and closes it."""
    built: list[Any] = []
    monkeypatch.setenv("COQUI_MODEL", str(tmp_path / "xtts"))
    monkeypatch.setenv("COQUI_TOS_AGREED", "1")

    def make(**variables: object) -> Any:
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        built.append(load("tts", "coqui"))
        return built[-1]

    yield make
    for provider in built:
        provider.close()


@pytest.fixture
def coqui(build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Build:
    """The same on the package that hums, with a model."""
    xtts.install(monkeypatch)
    xtts.checkpoint(tmp_path / "xtts")
    xtts.asked.clear()
    return build


def say(
    engine: Any, text: str = TEXT, language: str = "es", voice: str | None = None, **more: Any
) -> list[Audio]:
    return list(engine.synthesize(Utterance(text, language, voice, **more)))


def loudness(pieces: list[Audio]) -> float:
    return rms(pieces[0].pcm) / 32_768


def test_who_does_not_agree_to_the_terms_gets_neither_model_nor_speech(coqui: Build) -> None:
    with pytest.raises(SettingsError, match=r"COQUI_TOS_AGREED .*forbids commercial use") as raised:
        coqui(COQUI_TOS_AGREED="0")
    assert "cpml" in raised.value.hint
    with pytest.raises(SettingsError, match=r"COQUI_TOS_AGREED"):
        pull("coqui", "xtts_v2", lambda *told: None)


def test_without_the_package_it_is_told_how_to_install_it(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "TTS", None)
    with pytest.raises(ProviderMissing, match="coqui-tts") as raised:
        build()
    assert "[coqui]" in raised.value.hint


def test_speech_comes_in_pieces_of_the_steps_asked_for(coqui: Build) -> None:
    pieces = say(coqui())
    assert {piece.rate for piece in pieces} == {24_000}
    assert sum(piece.ms for piece in pieces) == 60 * len(TEXT)
    assert round(pieces[0].ms) == 20 * 1_024 // 24
    assert round(say(coqui(COQUI_PIECE_TOKENS=5))[0].ms) == 5 * 1_024 // 24


def test_voice_is_that_of_the_segment_of_the_variable_or_the_first(coqui: Build, tmp_path: Path) -> None:
    assert loudness(say(coqui())) == pytest.approx(0.25, rel=0.01)
    assert loudness(say(coqui(), voice="Craig Gutsy")) == pytest.approx(0.5, rel=0.01)
    assert loudness(say(coqui(COQUI_SPEAKER="Craig Gutsy"))) == pytest.approx(0.5, rel=0.01)
    borrowed = coqui(COQUI_SPEAKER="", COQUI_SPEAKER_WAV=recording(tmp_path))
    assert loudness(say(borrowed)) == pytest.approx(0.75, rel=0.01)
    assert loudness(say(borrowed, voice="Ana Florence")) == pytest.approx(0.25, rel=0.01)


def test_voice_that_is_not_there_is_refused_with_those_that_are(coqui: Build, tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="no speaker 'Nobody'") as raised:
        say(coqui(), voice="Nobody")
    assert "Ana Florence, Craig Gutsy" in raised.value.hint
    with pytest.raises(SettingsError, match=r"COQUI_SPEAKER: .*Nobody"):
        coqui(COQUI_SPEAKER="Nobody")
    with pytest.raises(SettingsError, match=r"COQUI_SPEAKER_WAV=nowhere\.wav gives no voice"):
        coqui(COQUI_SPEAKER="", COQUI_SPEAKER_WAV="nowhere.wav")
    (tmp_path / "xtts" / "speakers_xtts.pth").unlink()
    with pytest.raises(SettingsError, match="COQUI_SPEAKER") as raised_too:
        coqui(COQUI_SPEAKER_WAV="")
    assert "COQUI_SPEAKER_WAV" in raised_too.value.hint


def test_languages_are_the_models_that_can_be_read_here(coqui: Build) -> None:
    engine = coqui()
    assert {"en", "en-GB", "es", "es-419", "pt", "pt-BR"} <= engine.languages()
    assert ("ja" in engine.languages()) == (find_spec("cutlet") is not None)
    assert ("zh" in engine.languages()) == (find_spec("pypinyin") is not None)
    say(engine, "Good morning.", "en-GB")
    assert xtts.asked[-1]["language"] == "en"
    with pytest.raises(LanguageError, match="eu") as raised:
        say(engine, "Egun on.", "eu")
    assert "fr" in raised.value.hint


def test_first_clause_comes_by_itself_and_sentences_are_cut_to_what_the_model_takes(
    coqui: Build,
) -> None:
    engine = coqui()
    say(engine, soon=True)
    assert [each["text"] for each in xtts.asked] == [
        TEXT[: TEXT.index(",") + 1],
        TEXT[TEXT.index("y desp") :],
    ]
    xtts.asked.clear()
    say(engine, TEXT.replace(".", ", ") * 5)
    assert len(xtts.asked) > 1 and max(len(each["text"]) for each in xtts.asked) <= 239


def test_speed_and_temperature_are_those_asked_for(coqui: Build) -> None:
    usual = sum(piece.ms for piece in say(coqui()))
    quick = say(coqui(TTS_SPEED=1.6, COQUI_TEMPERATURE=0.3), speed=1.25)
    assert usual / sum(piece.ms for piece in quick) == pytest.approx(2, rel=0.01)
    assert [each["temperature"] for each in xtts.asked] == [0.75, 0.3]


def test_one_text_is_spoken_at_a_time_and_one_that_is_left_makes_room(coqui: Build) -> None:
    engine = coqui(COQUI_PIECE_TOKENS=5)
    left = engine.synthesize(Utterance(TEXT, "es"))
    next(left)
    left.close()
    with ThreadPoolExecutor(4) as pool:
        lengths = pool.map(lambda _: sum(piece.ms for piece in say(engine)), range(8))
        assert set(map(round, lengths)) == {60 * len(TEXT)}


def test_failure_of_the_engine_tells_no_text(coqui: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = coqui()
    monkeypatch.setattr(xtts, "SAMPLES_PER_TOKEN", "none")
    with pytest.raises(ProviderError, match=r"XTTS failed on \d+ characters: \w+\.") as raised:
        say(engine)
    assert "estación" not in str(raised.value)


@pytest.mark.parametrize("file", ["config.json", "model.pth", "vocab.json"])
def test_file_that_is_missing_is_told_with_the_command_that_fetches_it(
    file: str, coqui: Build, tmp_path: Path
) -> None:
    (tmp_path / "xtts" / file).unlink()
    with pytest.raises(ProviderMissing, match=f"cannot be loaded: .*{file}") as raised:
        coqui()
    assert "models pull coqui xtts_v2" in raised.value.hint


@pytest.mark.slow
def test_the_real_package_speaks_with_random_weights(build: Build, tmp_path: Path) -> None:
    pytest.importorskip("TTS", reason="coqui-tts wants a Python of its own")
    (tmp_path / "xtts").mkdir()
    random_xtts.make(tmp_path / "xtts")
    engine = build()
    assert engine.resident() == ("xtts",)
    assert {"en", "es", "de", "pt-BR"} <= engine.languages()
    for voice in (None, "Craig Gutsy"):
        pieces = say(engine, "hola amigos, buenos días a todos.", voice=voice)
        assert {piece.rate for piece in pieces} == {24_000} and sum(piece.ms for piece in pieces) > 100
    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(lambda _: say(engine, "hola amigos."), range(2)))
