"""Real speech by its length, loudness and pitch: espeak's samples differ a little from call to call."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol

import numpy as np
import pytest

from bridge import extras
from bridge.errors import ProviderError, ProviderMissing, SettingsError
from bridge.providers import load
from bridge.providers.tts.espeak import Library, library
from bridge.text import sentences
from bridge.types import Stage, Utterance
from tests.hearing import rms

pytestmark = pytest.mark.provider

PHRASE = "Va de frente diez metros"
LONG = "El tren de Barcelona sale a las nueve y diez. " * 100


class Engines(Protocol):
    def get(self, stage: Stage, name: str) -> Any: ...


@pytest.fixture(scope="module")
def espeak(engines: Engines) -> Any:
    return engines.get("tts", "espeak")


def speak(espeak: Any, text: str, language: str = "es", voice: str | None = None) -> bytes:
    pieces = list(espeak.synthesize(Utterance(text, language, voice)))
    assert {piece.rate for piece in pieces} <= {22_050}
    return b"".join(piece.pcm for piece in pieces)


def seconds(pcm: bytes) -> float:
    return len(pcm) / 2 / 22_050


def pitch(pcm: bytes) -> float:
    """Median fundamental frequency in Hz of the loud 40 ms windows, by autocorrelation."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    windows = samples[: samples.size // 882 * 882].reshape(-1, 882)
    found = []
    for window in windows[np.sqrt((windows**2).mean(axis=1)) > 2_000]:
        echo = np.correlate(window, window, "full")[881:]
        lags = slice(22_050 // 400, 22_050 // 60)
        found.append(22_050 / (lags.start + int(np.argmax(echo[lags]))))
    return float(np.median(found))


def test_speech_is_audible_and_as_long_as_its_text(espeak: Any) -> None:
    pcm = speak(espeak, PHRASE)
    assert 1_000 < rms(pcm) < 10_000
    assert 1.2 < seconds(pcm) < 2.4
    assert 4 < seconds(speak(espeak, " ".join([PHRASE] * 4))) < 9


def test_languages_sound_different(espeak: Any) -> None:
    number = "1999"
    lengths = {language: seconds(speak(espeak, number, language)) for language in ("en", "es", "fr", "de")}
    assert len({round(length, 1) for length in lengths.values()}) >= 3


def test_every_language_is_heard(espeak: Any) -> None:
    silent = [tag for tag in espeak.languages() if rms(speak(espeak, "12", tag)) < 200]
    assert not silent
    assert len(espeak.languages()) > 90


def test_faster_rate_makes_shorter_speech(espeak: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESPEAK_RATE", "350")
    fast = load("tts", "espeak")
    assert seconds(speak(fast, LONG[:200])) < 0.7 * seconds(speak(espeak, LONG[:200]))
    assert 1.2 < seconds(speak(espeak, PHRASE)) < 2.4, "the other instance keeps its own speed"


def test_pitch_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []
    for value in ("10", "90"):
        monkeypatch.setenv("ESPEAK_PITCH", value)
        heard.append(pitch(speak(load("tts", "espeak"), PHRASE)))
    assert heard[0] * 1.3 < heard[1]


def test_variant_changes_the_voice_of_every_language(espeak: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESPEAK_VARIANT", "f4")
    female = load("tts", "espeak")
    for language in ("es", "en"):
        assert pitch(speak(female, PHRASE, language)) > 1.2 * pitch(speak(espeak, PHRASE, language))


@pytest.mark.parametrize("voice", ["es+f4", "+f4"])
def test_client_may_ask_for_a_voice(espeak: Any, voice: str) -> None:
    assert pitch(speak(espeak, PHRASE, voice=voice)) > 1.2 * pitch(speak(espeak, PHRASE))


@pytest.mark.parametrize("voice", ["nobody", "en-gb", "es+nobody", "../../etc/passwd", "es+../f4", "+", "é"])
def test_unknown_voice_is_refused_by_name(espeak: Any, voice: str) -> None:
    with pytest.raises(ProviderError, match="espeak has no") as raised:
        speak(espeak, PHRASE, voice=voice)
    assert voice.removeprefix("es+") in raised.value.message
    assert raised.value.hint
    assert 1.2 < seconds(speak(espeak, PHRASE)) < 2.4


def test_unknown_variant_is_refused_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESPEAK_VARIANT", "f99")
    with pytest.raises(SettingsError, match="ESPEAK_VARIANT=f99") as raised:
        load("tts", "espeak")
    assert "f4" in raised.value.hint


@pytest.mark.parametrize(
    "text",
    ["a\0b", "<speak>&amp;</speak>", "[[h@l'oU]]", "😀", "\ud800", "\u202e", "a" * 5_000, "...", "\x01"],
)
def test_no_text_does_harm(espeak: Any, text: str) -> None:
    speak(espeak, text)
    assert 1.2 < seconds(speak(espeak, PHRASE)) < 2.4


def test_text_behind_a_nul_is_spoken(espeak: Any) -> None:
    assert seconds(speak(espeak, f"{PHRASE}\0{PHRASE}")) > 1.5 * seconds(speak(espeak, PHRASE))


@pytest.mark.serial
def test_first_piece_does_not_wait_for_the_whole_text(espeak: Any) -> None:
    start = time.perf_counter()
    pieces = espeak.synthesize(Utterance(LONG, "es"))
    next(pieces)
    first = time.perf_counter() - start
    rest = sum(piece.ms for piece in pieces)
    assert rest > 100_000
    assert first < 0.3 * (time.perf_counter() - start)


@pytest.mark.serial
def test_closing_early_stops_the_engine(espeak: Any) -> None:
    pieces = espeak.synthesize(Utterance(LONG * 10, "es"))
    next(pieces)
    start = time.perf_counter()
    pieces.close()
    assert time.perf_counter() - start < 0.05
    assert not [thread for thread in threading.enumerate() if thread.name == "espeak"]


def test_listener_who_does_not_read_holds_up_nobody(espeak: Any) -> None:
    waiting = espeak.synthesize(Utterance(LONG, "es"))
    next(waiting)
    assert 1.2 < seconds(speak(espeak, PHRASE)) < 2.4
    assert sum(piece.ms for piece in waiting) > 100_000


def test_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(ProviderMissing) as raised:
        Library()
    assert raised.value.hint == extras.install("espeak")


class Broken:
    """The C library itself, whose `espeak_Synth` does what it is told instead."""

    def __init__(self, engine: Any, synth: Callable[..., int]) -> None:
        self._engine = engine
        self.espeak_Synth = synth

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def fails(*_: object) -> int:
    raise ValueError("out of order")


@pytest.mark.parametrize(("synth", "said"), [(fails, "out of order"), (lambda *_: -1, "code -1")])
def test_failure_of_any_kind_is_told_at_once_and_the_next_text_is_spoken(
    espeak: Any, monkeypatch: pytest.MonkeyPatch, synth: Callable[..., int], said: str
) -> None:
    raised: SimpleQueue[ProviderError] = SimpleQueue()

    def listen() -> None:
        try:
            speak(espeak, PHRASE)
        except ProviderError as error:
            raised.put(error)

    with monkeypatch.context() as patched:
        patched.setattr(espeak._library, "_library", Broken(espeak._library._library, synth))
        Thread(target=listen, daemon=True).start()
        assert said in raised.get(timeout=5).message
    assert 1.2 < seconds(speak(espeak, PHRASE)) < 2.4


def test_failure_of_who_takes_the_speech_ends_the_text(espeak: Any) -> None:
    taken = []

    def take(pcm: bytes) -> bool:
        taken.append(pcm)
        raise MemoryError("no room for a piece")

    with pytest.raises(ProviderError, match="no room"):
        library().speak(LONG, "es", 175, 50, take)
    assert len(taken) == 1
    assert 1.2 < seconds(speak(espeak, PHRASE)) < 2.4


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "El tren sale a las nueve. ¿Dónde está la estación? ¡Vamos ya! Mañana llueve"),
        ("zh", "火车九点开。车站在右边。我们走吧。明天下雨。"),
    ],
)
def test_sentences_spoken_one_by_one_have_the_pauses_of_the_whole_text(
    espeak: Any, language: str, text: str
) -> None:
    parts = [speak(espeak, sentence, language) for sentence in sentences(text, language)]
    assert len(parts) == 4
    assert abs(seconds(b"".join(parts)) - seconds(speak(espeak, text, language))) < 0.02
    assert all(0.25 < quiet_at_end(part) < 0.4 for part in parts)


def quiet_at_end(pcm: bytes) -> float:
    """Seconds without sound behind the last one."""
    samples = np.abs(np.frombuffer(pcm, "<i2").astype(int))
    return float(np.argmax(samples[::-1] > 200)) / 22_050
