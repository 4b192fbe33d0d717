"""LibreTranslate: its own codes of languages, the pairs that it has, its key, and its refusals."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from bridge.errors import LanguageError, VendorError
from bridge.providers import load
from bridge.types import Phrase
from tests.bridge.providers.vendors import libretranslate
from tests.bridge.providers.vendors.fixtures import Build
from tests.bridge.providers.vendors.fixtures import build as build
from tests.bridge.providers.vendors.server import Answer, said


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[libretranslate.LibreTranslateApi]:
    made = libretranslate.LibreTranslateApi()
    monkeypatch.setenv("LIBRETRANSLATE_BASE_URL", made.url)
    with made.running():
        yield made


@pytest.mark.parametrize(
    ("source", "target", "codes"),
    [
        ("es", "en", ("es", "en")),
        ("pt-BR", "en-GB", ("pb", "en")),
        ("es-419", "pt", ("es", "pt")),
        ("no", "zh", ("nb", "zh")),
        ("zh-Hant", "no", ("zt", "nb")),
        ("fr-CH", "zh-Hant", ("fr", "zt")),
    ],
)
def test_languages_are_called_as_the_server_calls_them(
    source: str, target: str, codes: tuple[str, str], vendor: libretranslate.LibreTranslateApi, build: Build
) -> None:
    engine = build("translation", "libretranslate")
    assert (source, target) in engine.pairs()
    assert engine.translate(Phrase("radio", source, target)).text == "~radio~"
    sent = vendor.asked[-1].json
    assert (sent["source"], sent["target"]) == codes
    assert "api_key" not in sent


def test_newer_names_of_the_same_languages_are_known_too(
    vendor: libretranslate.LibreTranslateApi, build: Build
) -> None:
    codes = ["en", "pt-BR", "zh-Hans", "zh-Hant"]
    vendor.troubles = [said([{"code": code, "name": code, "targets": codes} for code in codes])]
    engine = build("translation", "libretranslate")
    assert {("pt-BR", "zh"), ("zh", "zh-Hant"), ("zh-Hant", "en-GB")} <= engine.pairs()
    assert not any("pt" in pair for pair in engine.pairs())


def test_pairs_are_those_that_the_server_has_models_for(
    vendor: libretranslate.LibreTranslateApi, build: Build
) -> None:
    engine = build("translation", "libretranslate")
    pairs = engine.pairs()
    assert ("ar", "ca") in pairs and ("ca", "ar") not in pairs
    assert not {("en", "en"), ("en", "en-GB"), ("en", "ru")} & pairs
    with pytest.raises(LanguageError, match="no pair ca to ar"):
        engine.translate(Phrase("radio", "ca", "ar"))
    with pytest.raises(LanguageError, match="has no ru"):
        engine.translate(Phrase("radio", "en", "ru"))
    assert [asked.path for asked in vendor.asked] == ["/languages"]


def test_key_is_sent_where_there_is_one(vendor: libretranslate.LibreTranslateApi, build: Build) -> None:
    vendor.wants_key = True
    engine = build("translation", "libretranslate", API_KEY=libretranslate.KEY)
    assert engine.translate(Phrase("radio", "en", "es")).text == "~radio~"
    with pytest.raises(VendorError, match="LIBRETRANSLATE_API_KEY") as raised:
        build("translation", "libretranslate", API_KEY="another").translate(Phrase("radio", "en", "es"))
    assert raised.value.code == "auth" and "another" not in str(raised.value)


def test_server_that_wants_a_key_names_the_variable_for_it(
    vendor: libretranslate.LibreTranslateApi, build: Build
) -> None:
    vendor.wants_key = True
    with pytest.raises(VendorError, match="LIBRETRANSLATE_API_KEY") as raised:
        build("translation", "libretranslate").translate(Phrase("radio", "en", "es"))
    assert raised.value.code == "provider_failed"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"<html>hello</html>"),
        said({"error": "no"}),
        said(["en", "es"]),
        said([]),
        said([{"code": "en", "targets": None}, {"code": "es"}, {"targets": ["en"]}]),
        said([{"code": "xx", "targets": ["yy"]}, {"code": "yy", "targets": ["xx"]}]),
    ],
)
def test_server_that_names_no_languages_is_told_at_start(
    answer: Answer, vendor: libretranslate.LibreTranslateApi
) -> None:
    vendor.troubles = [answer]
    with pytest.raises(VendorError, match="LibreTranslate answered with") as raised:
        load("translation", "libretranslate")
    assert raised.value.code == "bad_answer" and raised.value.hint


def test_server_that_is_not_there_is_told_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("LIBRETRANSLATE_BASE_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(VendorError, match="LibreTranslate cannot be reached") as raised:
            load("translation", "libretranslate")
    assert (raised.value.code, raised.value.retryable) == ("unavailable", True)


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (said({"error": "Slowdown: 5 per 1 minute"}, 429), "rate_limited", True),
        (said({"error": "Too many request limits violations"}, 403), "auth", False),
        (
            said({"error": "request (9) exceeds text limit (5)"}, 400),
            "provider_failed",
            False,
        ),
        (said({"error": "Cannot translate text: good evening"}, 500), "unavailable", True),
        (Answer(b"no json"), "bad_answer", True),
        (said({"translatedText": 5}), "bad_answer", True),
        (said({"translatedText": ["two"]}), "bad_answer", True),
        (said({"translatedText": ""}), "bad_answer", True),
        (said({"translatedText": "la " * 60}), "bad_answer", True),
    ],
)
def test_each_trouble_has_its_code_and_repeats_no_words(
    answer: Answer, code: str, retryable: bool, vendor: libretranslate.LibreTranslateApi, build: Build
) -> None:
    engine = build("translation", "libretranslate")
    vendor.troubles = [answer]
    with pytest.raises(VendorError) as raised:
        engine.translate(Phrase("good evening", "en", "es"))
    assert (raised.value.code, raised.value.retryable) == (code, retryable)
    assert "good evening" not in str(raised.value)
    assert len(vendor.asked) == 2
