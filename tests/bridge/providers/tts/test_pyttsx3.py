"""The real pyttsx3 on espeak-ng, in a process of its own: what it says, and what becomes of its failures."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import pytest

from bridge.errors import LanguageError, ProviderError, ProviderMissing
from bridge.providers import load
from bridge.providers.tts import pyttsx3
from bridge.types import Audio, Stage, Utterance
from tests.bridge.providers.vendors.fixtures import build as build
from tests.hearing import rms

pytestmark = pytest.mark.provider

TWO = "Buenos días a todos. El tren sale a las nueve."


class Engines(Protocol):
    def get(self, stage: Stage, name: str) -> Any: ...


@pytest.fixture(scope="module")
def engine(engines: Engines) -> Any:
    return engines.get("tts", "pyttsx3")


def speak(engine: Any, text: str, language: str = "es", voice: str | None = None) -> list[Audio]:
    return list(engine.synthesize(Utterance(text, language, voice)))


def ms(pieces: list[Audio]) -> float:
    return sum(piece.ms for piece in pieces)


def test_each_sentence_is_a_piece_of_audible_speech(engine: Any) -> None:
    pieces = speak(engine, TWO)
    assert len(pieces) == 2 and {piece.rate for piece in pieces} == {22_050}
    assert all(1_000 < rms(piece.pcm) < 10_000 and 800 < piece.ms < 4_000 for piece in pieces)


def test_languages_are_those_of_its_voices_and_sound_different(engine: Any) -> None:
    assert {"es", "es-419", "en", "en-GB", "fr", "fr-CH", "no", "pt-BR", "zh"} <= engine.languages()
    assert not {"bo", "ja"} & engine.languages()
    lengths = {language: ms(speak(engine, "1999", language)) for language in ("en", "es", "fr", "de")}
    assert len({round(length / 100) for length in lengths.values()}) >= 3
    assert ms(speak(engine, "1999", "es", "en-us")) == pytest.approx(lengths["en"], rel=0.05)


def test_rate_and_volume_are_those_asked_for(engine: Any, build: Callable[..., Any]) -> None:
    quick = speak(build("tts", "pyttsx3", RATE=320, VOLUME=0.25), TWO)
    usual = speak(engine, TWO)
    assert 1.3 < ms(usual) / ms(quick) < 2
    assert rms(usual[0].pcm) / rms(quick[0].pcm) > 2


def test_espeak_of_the_same_process_speaks_on_beside_it(engine: Any, engines: Engines) -> None:
    espeak = engines.get("tts", "espeak")
    alone = ms(list(espeak.synthesize(Utterance(TWO, "es"))))
    with ThreadPoolExecutor(2) as pool:
        here = pool.submit(lambda: [ms(list(espeak.synthesize(Utterance(TWO, "es")))) for _ in range(20)])
        there = pool.submit(lambda: [ms(speak(engine, TWO, "en")) for _ in range(5)])
        assert all(abs(length - alone) < 50 for length in here.result())
        assert max(there.result()) - min(there.result()) < 50


def test_unknown_voice_and_language_are_refused_with_a_remedy(engine: Any) -> None:
    with pytest.raises(ProviderError, match="no voice 'tlh'") as raised:
        speak(engine, TWO, voice="tlh")
    assert "es-419" in raised.value.hint
    with pytest.raises(LanguageError, match="ja"):
        speak(engine, TWO, "ja")


def test_what_the_package_keeps_to_itself_is_an_error_without_the_text(build: Callable[..., Any]) -> None:
    engine = build("tts", "pyttsx3")
    with pytest.raises(ProviderError, match=r"20 characters: SetVoiceByName failed") as raised:
        engine._speaker.speak("a secret of somebody", voice="nobody's", rate=200, volume=1)
    assert "secret" not in str(raised.value)
    assert speak(engine, TWO)


def test_process_that_was_killed_costs_one_sentence(build: Callable[..., Any]) -> None:
    engine = build("tts", "pyttsx3")
    first, hung = engine._speaker, engine._speaker._process
    os.kill(hung.pid, signal.SIGKILL)
    hung.wait()
    assert len(speak(engine, TWO)) == 2
    assert first._process is not hung


def test_process_that_hangs_is_ended_after_a_while(
    build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = build("tts", "pyttsx3")
    os.kill(engine._speaker._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(pyttsx3, "PATIENCE_S", 0.1)
    with pytest.raises(ProviderError, match="hangs"):
        speak(engine, TWO)
    monkeypatch.undo()
    assert speak(engine, TWO)


def test_package_that_cannot_start_is_told_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyttsx3.py").write_text("raise ImportError('no such thing')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ProviderMissing, match="no such thing") as raised:
        load("tts", "pyttsx3")
    assert "[pyttsx3]" in raised.value.hint


def test_closed_engine_leaves_neither_process_nor_files() -> None:
    engine = load("tts", "pyttsx3")
    folder, process = Path(engine._speaker._folder.name), engine._speaker._process
    assert folder.is_dir() and process.poll() is None
    engine.close()
    assert not folder.exists() and process.returncode == 0
