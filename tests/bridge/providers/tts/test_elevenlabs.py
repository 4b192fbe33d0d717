"""ElevenLabs: what it is asked for, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.errors import LanguageError, ProviderError, VendorError
from bridge.types import Utterance
from tests.bridge.providers.vendors import elevenlabs
from tests.bridge.providers.vendors.fixtures import Build
from tests.bridge.providers.vendors.fixtures import build as build
from tests.bridge.providers.vendors.server import Answer, said

HOLA = Utterance("hola", "es")


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[elevenlabs.ElevenLabs]:
    made = elevenlabs.ElevenLabs()
    monkeypatch.setenv("ELEVENLABS_API_KEY", elevenlabs.KEY)
    monkeypatch.setenv("ELEVENLABS_BASE_URL", made.url)
    with made.running():
        yield made


def test_model_voice_and_settings_are_those_asked_for(vendor: elevenlabs.ElevenLabs, build: Build) -> None:
    asked = {"MODEL": "eleven_v3", "VOICE": "me", "STABILITY": 0.25, "SIMILARITY": 1}
    engine = build("tts", "elevenlabs", **asked, LANGUAGES="es, es-419, ca")
    assert engine.languages() >= {"es", "es-419", "ca"} and "en" not in engine.languages()
    list(engine.synthesize(HOLA))
    list(engine.synthesize(Utterance("hola", "es-419", "you/../me")))
    first, second = vendor.asked
    assert first.json == {
        "text": "hola",
        "model_id": "eleven_v3",
        "language_code": "es",
        "voice_settings": {"stability": 0.25, "similarity_boost": 1.0, "speed": 1.0},
    }
    assert elevenlabs.voice(first) == "me"
    assert elevenlabs.voice(second) == "you%2F..%2Fme", "no voice leads to another path"
    assert second.json["language_code"] == "es"


@pytest.mark.parametrize("voice", [".", ".."])
def test_voice_that_is_a_folder_is_refused_before_anything_is_sent(
    vendor: elevenlabs.ElevenLabs, build: Build, voice: str
) -> None:
    with pytest.raises(ProviderError, match="has no voice"):
        list(build("tts", "elevenlabs").synthesize(Utterance("hola", "es", voice)))
    assert vendor.asked == []


@pytest.mark.parametrize("rate", [16_000, 24_000, 48_000])
def test_speech_has_the_rate_that_is_asked_for(
    vendor: elevenlabs.ElevenLabs, build: Build, rate: int
) -> None:
    pieces = list(build("tts", "elevenlabs", RATE=rate).synthesize(HOLA))
    assert {piece.rate for piece in pieces} == {rate}
    assert sum(piece.ms for piece in pieces) == pytest.approx(4 * elevenlabs.MS_PER_LETTER, abs=1)


@pytest.mark.parametrize(("speed", "told"), [(0.5, 0.7), (1.1, 1.1), (2.0, 1.2)])
def test_speed_keeps_within_what_elevenlabs_takes(
    vendor: elevenlabs.ElevenLabs, build: Build, speed: float, told: float
) -> None:
    list(build("tts", "elevenlabs").synthesize(Utterance("hola", "es", speed=speed)))
    assert vendor.asked[0].json["voice_settings"]["speed"] == told


def test_the_first_piece_comes_before_the_last(vendor: elevenlabs.ElevenLabs, build: Build) -> None:
    vendor.troubles = [Answer(b"\1\2" * 9_600, pauses=9_600)]
    pieces = build("tts", "elevenlabs").synthesize(HOLA)
    assert next(pieces).pcm
    vendor.free.set()
    assert sum(len(piece.pcm) for piece in pieces)


def test_a_language_that_the_model_lacks_is_refused(vendor: elevenlabs.ElevenLabs, build: Build) -> None:
    with pytest.raises(LanguageError, match="ca is none") as raised:
        list(build("tts", "elevenlabs").synthesize(Utterance("hola", "ca")))
    assert "ELEVENLABS_LANGUAGES" in raised.value.hint


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (elevenlabs.trouble("invalid_api_key", 401), "auth", False),
        (elevenlabs.trouble("quota_exceeded", 401), "quota", False),
        (elevenlabs.trouble("too_many_concurrent_requests", 429), "rate_limited", True),
        (elevenlabs.trouble("voice_not_found", 404), "provider_failed", False),
        (said({}, 500), "unavailable", True),
        (said({"detail": "no sound"}), "bad_answer", True),
        (Answer(b""), "bad_answer", True),
        (Answer(b"\1\2" * 9_600, breaks=4_800), "unavailable", True),
    ],
)
def test_each_trouble_has_its_code(
    vendor: elevenlabs.ElevenLabs, build: Build, answer: Answer, code: str, retryable: bool
) -> None:
    vendor.troubles = [answer]
    with pytest.raises(VendorError) as raised:
        list(build("tts", "elevenlabs").synthesize(HOLA))
    assert (raised.value.code, raised.value.retryable) == (code, retryable)
    assert elevenlabs.KEY not in str(raised.value)
