"""Azure: its locales and voices, what its statuses mean, and speech that is never markup."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.errors import AudioError, LanguageError, SettingsError, VendorError
from bridge.providers.azure import ssml
from bridge.types import Audio, Speech, Transcript, Utterance
from tests.bridge.providers.vendors import azure
from tests.bridge.providers.vendors.fixtures import Build
from tests.bridge.providers.vendors.fixtures import build as build
from tests.bridge.providers.vendors.server import Answer, said

HUM = Audio(b"\1\0" * 16_000, 16_000)


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[azure.Azure]:
    made = azure.Azure()
    monkeypatch.setenv("AZURE_SPEECH_KEY", azure.KEY)
    monkeypatch.setenv("AZURE_SPEECH_ENDPOINT", made.url)
    with made.running():
        yield made


# --- stt ---


@pytest.mark.parametrize(
    ("tag", "locale"),
    [
        ("en", "en-US"),
        ("en-GB", "en-GB"),
        ("es", "es-ES"),
        ("es-419", "es-MX"),
        ("no", "nb-NO"),
        ("bn", "bn-IN"),
    ],
)
def test_languages_are_asked_for_by_azures_locales(
    vendor: azure.Azure, build: Build, tag: str, locale: str
) -> None:
    heard = build("stt", "azure").transcribe(Speech(HUM, tag))
    assert (heard.language, heard.confidence) == (tag, 0.875) and heard.text.startswith(locale)


def test_what_azure_speaks_and_does_not_recognise_is_offered_for_speech_alone(
    vendor: azure.Azure, build: Build
) -> None:
    assert "su" in build("tts", "azure").languages() - build("stt", "azure").languages()


def test_speech_is_uploaded_in_pieces(vendor: azure.Azure, build: Build) -> None:
    build("stt", "azure", STT_PROFANITY="masked").transcribe(Speech(HUM, "en"))
    assert "content-length" not in vendor.asked[0].headers
    assert len(vendor.asked[0].body) == 44 + len(HUM.pcm)
    assert azure.query(vendor.asked[0])["profanity"] == "masked"


@pytest.mark.parametrize("status", ["NoMatch", "InitialSilenceTimeout", "BabbleTimeout"])
def test_nothing_recognised_is_silence_and_no_error(vendor: azure.Azure, build: Build, status: str) -> None:
    vendor.troubles = [said(azure.recognised("", status))]
    assert build("stt", "azure").transcribe(Speech(HUM, "en")) == Transcript("", "en")


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (said(azure.recognised("", "Error")), "unavailable", True),
        (said({"RecognitionStatus": "Success"}), "bad_answer", True),
        (said({"RecognitionStatus": "Success", "NBest": [{"Display": 5}]}), "bad_answer", True),
        (said(azure.recognised("hello") | {"RecognitionStatus": "Perhaps"}), "bad_answer", True),
        (said(azure.recognised("hello") | {"RecognitionStatus": ["Success"]}), "bad_answer", True),
        (Answer(b"<html>"), "bad_answer", True),
        (said({}, 401), "auth", False),
        (said({}, 400), "provider_failed", False),
        (said({}, 429, **{"Retry-After": "60"}), "rate_limited", True),
        (said({}, 503), "unavailable", True),
    ],
)
def test_each_trouble_has_its_code(
    vendor: azure.Azure, build: Build, answer: Answer, code: str, retryable: bool
) -> None:
    vendor.troubles = [answer]
    with pytest.raises(VendorError) as raised:
        build("stt", "azure").transcribe(Speech(HUM, "en"))
    assert (raised.value.code, raised.value.retryable) == (code, retryable)
    assert azure.KEY not in str(raised.value)


@pytest.mark.parametrize("sure", [7, -1, "much", None])
def test_confidence_that_is_none_is_left_out(vendor: azure.Azure, build: Build, sure: object) -> None:
    vendor.troubles = [
        said({"RecognitionStatus": "Success", "NBest": [{"Display": "hello", "Confidence": sure}]})
    ]
    assert build("stt", "azure").transcribe(Speech(HUM, "en")) == Transcript("hello", "en")


def test_more_than_a_minute_and_no_language_are_refused_before_anything_is_sent(
    vendor: azure.Azure, build: Build
) -> None:
    engine = build("stt", "azure")
    with pytest.raises(AudioError, match="a minute of speech at most; these are 61 s"):
        engine.transcribe(Speech(Audio(bytes(61 * 32_000), 16_000), "en"))
    with pytest.raises(LanguageError, match="detects no language"):
        engine.transcribe(Speech(HUM))
    assert vendor.asked == []


# --- tts ---


def test_each_language_has_a_voice_and_others_can_be_named(vendor: azure.Azure, build: Build) -> None:
    engine = build("tts", "azure")
    for utterance in (Utterance("hola", "es"), Utterance("hola", "es", "es-ES-AlvaroNeural")):
        assert list(engine.synthesize(utterance))
    list(build("tts", "azure", TTS_VOICE="es-MX-JorgeNeural").synthesize(Utterance("hola", "es")))
    assert [azure.voice(each) for each in vendor.asked] == [
        "es-ES-ElviraNeural",
        "es-ES-AlvaroNeural",
        "es-MX-JorgeNeural",
    ]


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_speech_has_the_rate_that_is_asked_for(vendor: azure.Azure, build: Build, rate: int) -> None:
    pieces = list(build("tts", "azure", TTS_RATE=rate).synthesize(Utterance("buenos días", "es")))
    assert {piece.rate for piece in pieces} == {rate}
    assert sum(piece.ms for piece in pieces) == pytest.approx(11 * azure.MS_PER_LETTER, abs=1)


def test_the_first_piece_comes_before_the_last(vendor: azure.Azure, build: Build) -> None:
    vendor.troubles = [Answer(b"\1\2" * 9_600, pauses=9_600)]
    pieces = build("tts", "azure").synthesize(Utterance("hola", "es"))
    assert next(pieces).pcm
    vendor.free.set()
    assert sum(len(piece.pcm) for piece in pieces)


def test_no_text_and_no_name_of_a_voice_is_markup(vendor: azure.Azure, build: Build) -> None:
    text = 'A < B & "C" </voice><break time="9s"/>'
    list(build("tts", "azure").synthesize(Utterance(text, "es", 'x"/><audio src="y', 1.25)))
    assert azure.spoken(vendor.asked[0]) == (text, 1.25)
    assert azure.voice(vendor.asked[0]) == 'x"/><audio src="y'


def test_only_a_speed_of_its_own_is_told() -> None:
    assert "prosody" not in ssml("hola", "es-ES", "v", 1.0)
    assert 'rate="-10%"' in ssml("hola", "es-ES", "v", 0.9)


# --- where ---


@pytest.mark.parametrize(
    ("variables", "server"),
    [
        ({"SPEECH_REGION": "westeurope"}, "https://westeurope.stt.speech.microsoft.com"),
        (
            {"SPEECH_ENDPOINT": "https://me.cognitiveservices.azure.com/"},
            "https://me.cognitiveservices.azure.com/stt",
        ),
        ({"SPEECH_ENDPOINT": "http://127.0.0.1:5000"}, "http://127.0.0.1:5000"),
    ],
)
def test_the_server_is_that_of_the_region_or_the_one_that_is_named(
    build: Build, variables: dict[str, str], server: str
) -> None:
    engine = build("stt", "azure", SPEECH_KEY=azure.KEY, **variables)
    assert str(engine._remote._client.base_url).rstrip("/") == server


def test_neither_region_nor_endpoint_is_told_at_start(build: Build) -> None:
    with pytest.raises(SettingsError, match="Neither AZURE_SPEECH_REGION nor AZURE_SPEECH_ENDPOINT"):
        build("tts", "azure", SPEECH_KEY=azure.KEY)
