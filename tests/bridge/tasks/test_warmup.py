"""What an engine does before its worker takes work: real ones, and small ones that remember their calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.errors import ProviderError, ProviderMissing, SettingsError
from bridge.providers import load
from bridge.settings import Settings
from bridge.tasks.warmup import preloaded, prepare
from bridge.types import STAGES, Audio, Phrase, Speech, Stage, Transcript, Translation, Utterance


@pytest.fixture(autouse=True)
def _defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PRESET", "WARMUP", "PRELOAD_MODELS"):
        monkeypatch.delenv(name, raising=False)


class Ear:
    """Recognises nothing, and remembers what it was given."""

    def __init__(self, detects: bool = False, error: Exception | None = None) -> None:
        self.detects = detects
        self.heard: list[Speech] = []
        self._error = error

    def languages(self) -> frozenset[str]:
        return frozenset({"fr", "de"})

    def transcribe(self, speech: Speech) -> Transcript:
        self.heard.append(speech)
        if self._error:
            raise self._error
        return Transcript("", "de")


class Brain:
    def __init__(self, *pairs: tuple[str, str]) -> None:
        self._pairs = frozenset(pairs)
        self.given: list[Phrase] = []

    def pairs(self) -> frozenset[tuple[str, str]]:
        return self._pairs

    def translate(self, phrase: Phrase) -> Translation:
        self.given.append(phrase)
        return Translation("")


class Mouth:
    """Has voices by name, and speaks to the end only if it is listened to."""

    def __init__(self) -> None:
        self.voices: list[str] = []
        self.finished = 0

    def languages(self) -> frozenset[str]:
        return frozenset({"es", "en", "ca"})

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        assert utterance.language == "ca"
        yield Audio(bytes(4), 16_000)
        yield Audio(bytes(4), 16_000)
        self.finished += 1

    def preload(self, models: Sequence[str]) -> None:
        if "missing" in models:
            raise ProviderMissing("There is no voice missing.", "Pull it.")
        self.voices += models

    def resident(self) -> tuple[str, ...]:
        return tuple(self.voices)


def events(stage: Stage, provider: Any, **flags: Any) -> list[str]:
    with capture_logs() as lines:
        prepare(stage, provider, Settings.read(**flags))
    return [line["event"] for line in lines]


@pytest.mark.provider
@pytest.mark.parametrize(
    ("stage", "name"), [("stt", "pocketsphinx"), ("translation", "apertium"), ("tts", "espeak")]
)
def test_each_embedded_engine_runs_once(stage: Stage, name: str) -> None:
    try:
        engine = load(stage, name)
    except ProviderMissing as missing:
        pytest.skip(str(missing))
    with capture_logs() as lines:
        prepare(stage, engine, Settings.read())
    engine.close()
    [line] = [line for line in lines if line["event"] == "Engine warmed up"]
    assert 0 <= line["seconds"] < 10


@pytest.mark.provider
def test_after_the_warm_up_the_programs_of_the_first_pair_run() -> None:
    try:
        engine = load("translation", "apertium")
    except ProviderMissing as missing:
        pytest.skip(str(missing))
    pair = min(pair for pair in engine.pairs() if pair[0] == "en")
    assert engine.pipe(*pair).pids == []
    prepare("translation", engine, Settings.read())
    assert engine.pipe(*pair).pids != []
    engine.close()


def test_stt_hears_half_a_second_of_speech_in_a_language_it_has() -> None:
    ear, detecting = Ear(), Ear(detects=True)
    prepare("stt", ear, Settings.read())
    prepare("stt", detecting, Settings.read())
    [speech], [other] = ear.heard, detecting.heard
    assert (speech.language, other.language) == ("de", None)
    assert (speech.audio.rate, speech.audio.ms) == (16_000, 500)
    assert max(speech.audio.pcm) > 0


def test_translation_takes_a_pair_from_english_where_there_is_one() -> None:
    offered, other = Brain(("ca", "es"), ("en", "es"), ("en", "ca")), Brain(("fr", "ca"), ("es", "ca"))
    prepare("translation", offered, Settings.read())
    prepare("translation", other, Settings.read())
    assert [(phrase.source, phrase.target) for phrase in offered.given] == [("en", "ca")]
    assert [(phrase.source, phrase.target) for phrase in other.given] == [("es", "ca")]


def test_tts_is_listened_to_until_its_end() -> None:
    mouth = Mouth()
    assert events("tts", mouth) == ["Engine warmed up"]
    assert mouth.finished == 1


def test_warmup_off_runs_nothing() -> None:
    ear = Ear()
    assert events("stt", ear, warmup=False) == []
    assert ear.heard == []


def test_a_warm_up_that_fails_is_logged_and_the_worker_goes_on() -> None:
    ear = Ear(error=ProviderError("The engine coughs."))
    assert events("stt", ear) == ["warm-up failed"]
    assert events("translation", Brain()) == ["warm-up failed"]


def test_models_to_preload_go_to_the_engine_of_their_stage_before_the_warm_up() -> None:
    mouth = Mouth()
    prepare("tts", mouth, Settings.read(preload_models="tts:a, stt:large-v3 ,tts:b,", warmup=False))
    assert mouth.voices == ["a", "b"]


def test_a_model_to_preload_that_is_not_there_stops_the_worker() -> None:
    with pytest.raises(ProviderMissing, match="no voice missing"):
        prepare("tts", Mouth(), Settings.read(preload_models="tts:missing"))


def test_preloading_into_an_engine_with_one_model_is_pointed_out() -> None:
    said = events("stt", Ear(), preload_models="stt:base", warmup=False)
    assert said == ["PRELOAD_MODELS has no effect: the engine has one model"]
    assert events("stt", Ear(), preload_models="tts:a", warmup=False) == []


@pytest.mark.parametrize("entry", ["base", "ears:base", "stt:", ":base"])
def test_an_entry_without_a_stage_or_model_is_refused(entry: str) -> None:
    for stage in STAGES:
        with pytest.raises(SettingsError, match=f"PRELOAD_MODELS=tts:a,{entry} is not valid") as caught:
            preloaded(stage, f"tts:a,{entry}")
        assert "STAGE:MODEL" in caught.value.hint
