"""Deepgram: its codes of languages, the one it finds among ours, and its refusals."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.errors import LanguageError, VendorError
from bridge.types import Audio, Speech, Transcript
from tests.bridge.providers.vendors import deepgram
from tests.bridge.providers.vendors.fixtures import Build
from tests.bridge.providers.vendors.fixtures import build as build
from tests.bridge.providers.vendors.server import Answer, said

HUM = Audio(b"\1\0" * 1_600, 16_000)


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[deepgram.Deepgram]:
    made = deepgram.Deepgram()
    monkeypatch.setenv("DEEPGRAM_API_KEY", deepgram.KEY)
    monkeypatch.setenv("DEEPGRAM_BASE_URL", made.url)
    with made.running():
        yield made


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en", "en"),
        ("en-GB", "en-GB"),
        ("pt-BR", "pt-BR"),
        ("fr-CH", "fr"),
        ("no", "no"),
        ("yue", "zh-HK"),
        ("zh", "zh"),
        ("zh-Hant", "zh-TW"),
    ],
)
def test_languages_are_called_as_deepgram_calls_them(
    tag: str, code: str, vendor: deepgram.Deepgram, build: Build
) -> None:
    engine = build("stt", "deepgram")
    assert tag in engine.languages()
    heard = engine.transcribe(Speech(HUM, tag))
    assert (heard.language, heard.confidence) == (tag, 0.75) and heard.text.startswith(code)
    assert deepgram.query(vendor.asked[0])["language"] == [code]


def test_model_and_its_languages_are_those_asked_for(vendor: deepgram.Deepgram, build: Build) -> None:
    engine = build("stt", "deepgram", MODEL="nova-9", LANGUAGES="en, ka")
    assert engine.languages() == {"en", "en-GB", "ka"}
    engine.transcribe(Speech(HUM, "ka"))
    assert deepgram.query(vendor.asked[0])["model"] == ["nova-9"]
    with pytest.raises(LanguageError, match="es is none") as raised:
        engine.transcribe(Speech(HUM, "es"))
    assert "DEEPGRAM_LANGUAGES" in raised.value.hint


@pytest.mark.parametrize(
    ("among", "choice"),
    [
        ((), ["true"]),
        (("en", "es"), ["en", "es"]),
        (("en-GB", "pt-BR"), ["en", "pt"]),
        (("en", "ur"), ["true"]),
        (("en", "en-GB"), ["true"]),
    ],
)
def test_detection_is_asked_for_among_the_languages_in_question(
    among: tuple[str, ...], choice: list[str], vendor: deepgram.Deepgram, build: Build
) -> None:
    build("stt", "deepgram").transcribe(Speech(HUM, among=among))
    assert deepgram.query(vendor.asked[0])["detect_language"] == choice
    assert len(vendor.asked) == 1


@pytest.mark.parametrize(
    ("spoken", "sure", "among", "prior", "expected", "asked"),
    [
        ("es", 0.99, (), None, "es", 1),
        ("nl-BE", 0.99, (), None, "nl", 1),
        ("es", 0.99, ("en", "es-419"), None, "es-419", 1),
        ("es", 0.99, ("en", "es"), "en", "es", 1),
        ("es", 0.60, ("en", "es"), "en", "en", 2),
        ("es", 0.60, (), "en", "en", 2),
        ("en", 0.30, ("en", "es"), "en", "en", 1),
        ("es", 0.60, ("de", "es"), "en", "es", 1),
        ("fr", 0.99, ("en", "ur"), "ur", "ur", 2),
        ("fr", 0.99, ("en", "ur"), "de", "en", 2),
    ],
)
def test_what_was_spoken_is_one_of_ours_and_rather_the_one_before(
    spoken: str,
    sure: float,
    among: tuple[str, ...],
    prior: str | None,
    expected: str,
    asked: int,
    vendor: deepgram.Deepgram,
    build: Build,
) -> None:
    vendor.spoken, vendor.sure = spoken, sure
    heard = build("stt", "deepgram").transcribe(Speech(HUM, among=among, prior=prior))
    assert (heard.language, len(vendor.asked)) == (expected, asked)
    assert heard.text.startswith(expected if asked == 2 else spoken)


def test_silence_is_an_empty_text_without_confidence(vendor: deepgram.Deepgram, build: Build) -> None:
    vendor.troubles = [said(deepgram.channel(""))]
    assert build("stt", "deepgram").transcribe(Speech(HUM, "en")) == Transcript("", "en")


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (said({"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials."}, 401), "auth", False),
        (said({"err_code": "INSUFFICIENT_PERMISSIONS"}, 403), "auth", False),
        (said({"err_code": "ASR_PAYMENT_REQUIRED"}, 402), "quota", False),
        (said({"err_code": "TOO_MANY_REQUESTS"}, 429), "rate_limited", True),
        (said({"err_code": "Bad Request", "err_msg": "No such model"}, 400), "provider_failed", False),
        (said({"err_code": "INTERNAL_SERVER_ERROR"}, 500), "unavailable", True),
        (said({}, 504), "unavailable", True),
        (Answer(b"no json"), "bad_answer", True),
        (said({"results": {"channels": []}}), "bad_answer", True),
        (said({"results": {"channels": ["one"]}}), "bad_answer", True),
        (said({"results": {"channels": [{"alternatives": []}]}}), "bad_answer", True),
        (said({"results": {"channels": [{"alternatives": [{"transcript": 5}]}]}}), "bad_answer", True),
        (Answer(b'{"results": ' * 900, breaks=4_800), "unavailable", True),
    ],
)
def test_each_trouble_has_its_code(
    answer: Answer, code: str, retryable: bool, vendor: deepgram.Deepgram, build: Build
) -> None:
    vendor.troubles = [answer]
    with pytest.raises(VendorError) as raised:
        build("stt", "deepgram").transcribe(Speech(HUM, "en"))
    assert (raised.value.code, raised.value.retryable) == (code, retryable)
    assert deepgram.KEY not in str(raised.value)
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("detected", ["klingon", 5, None])
def test_language_that_nobody_knows_is_a_bad_answer(
    detected: object, vendor: deepgram.Deepgram, build: Build
) -> None:
    vendor.troubles = [said(deepgram.channel("hello", detected_language=detected))]
    with pytest.raises(VendorError, match="not known") as raised:
        build("stt", "deepgram").transcribe(Speech(HUM))
    assert raised.value.code == "bad_answer"
