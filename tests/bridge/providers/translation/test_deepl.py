"""DeepL: its codes of languages, its two hosts, what is asked, and its quota."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.errors import LanguageError, SettingsError, VendorError
from bridge.providers.translation.deepl import home
from bridge.types import Phrase
from tests.bridge.providers.vendors import deepl
from tests.bridge.providers.vendors.fixtures import Build
from tests.bridge.providers.vendors.fixtures import build as build
from tests.bridge.providers.vendors.server import Answer, said


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[deepl.DeepLApi]:
    made = deepl.DeepLApi()
    monkeypatch.setenv("DEEPL_API_KEY", deepl.KEY)
    monkeypatch.setenv("DEEPL_BASE_URL", made.url)
    with made.running():
        yield made


@pytest.mark.parametrize(
    ("source", "target", "codes"),
    [
        ("es", "en", ("ES", "EN-US")),
        ("pt-BR", "en-GB", ("PT", "EN-GB")),
        ("en-GB", "pt", ("EN", "PT-PT")),
        ("en", "pt-BR", ("EN", "PT-BR")),
        ("no", "zh", ("NB", "ZH-HANS")),
        ("zh", "no", ("ZH", "NB")),
        ("de", "zh-Hant", ("DE", "ZH-HANT")),
        ("de", "es-419", ("DE", "ES-419")),
    ],
)
def test_languages_are_called_as_deepl_calls_them(
    source: str, target: str, codes: tuple[str, str], vendor: deepl.DeepLApi, build: Build
) -> None:
    engine = build("translation", "deepl")
    assert (source, target) in engine.pairs()
    assert engine.translate(Phrase("radio", source, target)).text == "~radio~"
    sent = vendor.asked[0].json
    assert (sent["source_lang"], sent["target_lang"]) == codes


def test_two_forms_of_one_language_are_no_pair(vendor: deepl.DeepLApi, build: Build) -> None:
    assert not {("en", "en-GB"), ("zh", "zh-Hant"), ("pt-BR", "pt")} & build("translation", "deepl").pairs()


def test_formality_context_and_model_are_asked_for(vendor: deepl.DeepLApi, build: Build) -> None:
    build("translation", "deepl").translate(Phrase("radio", "en", "es"))
    chosen = {"FORMALITY": "prefer_less", "CONTEXT": "a talk about boats", "MODEL": "quality_optimized"}
    build("translation", "deepl", **chosen).translate(Phrase("radio", "en", "es"))
    plain, full = (asked.json for asked in vendor.asked)
    assert "formality" not in plain and "context" not in plain and plain["model_type"] == "latency_optimized"
    assert (full["formality"], full["context"]) == ("prefer_less", "a talk about boats")
    assert full["model_type"] == "quality_optimized"


def test_what_was_said_before_is_told_beside_the_context_of_the_operator(
    vendor: deepl.DeepLApi, build: Build
) -> None:
    before = ("We are at sea.", "It is late.")
    build("translation", "deepl").translate(Phrase("radio", "en", "es", context=before))
    build("translation", "deepl", CONTEXT="Boats.").translate(Phrase("radio", "en", "es", context=before))
    assert [asked.json["context"] for asked in vendor.asked] == [
        "We are at sea. It is late.",
        "Boats. We are at sea. It is late.",
    ]


def test_term_stands_in_the_text_as_it_is_to_be_called_where_deepl_translates_nothing(
    vendor: deepl.DeepLApi, build: Build
) -> None:
    phrase = Phrase("R&D <wrote> to ada lovelace.", "en", "es", terms=(("Ada Lovelace", "Ada & <Co>"),))
    assert build("translation", "deepl").translate(phrase).text == "R&D <WROTE> TO Ada & <Co>."
    sent = vendor.asked[0].json
    assert sent["text"] == ["R&amp;D &lt;wrote&gt; to <x>Ada &amp; &lt;Co&gt;</x>."]
    assert (sent["tag_handling"], sent["ignore_tags"]) == ("xml", ["x"])


def test_glossary_kept_at_deepl_is_named_for_its_pair_alone(vendor: deepl.DeepLApi, build: Build) -> None:
    engine = build("translation", "deepl", GLOSSARIES="en-es:abc-1, de-zh-Hant:abc-2")
    for source, target in (("en", "es"), ("en-GB", "es-419"), ("de", "zh"), ("es", "en")):
        engine.translate(Phrase("radio", source, target))
    assert [asked.json.get("glossary_id") for asked in vendor.asked] == ["abc-1", "abc-1", "abc-2", None]


@pytest.mark.parametrize("listed", ["abc", "en-es", "en-es:", "en-xx:abc", "xx-en:abc"])
def test_glossary_without_its_pair_and_id_is_refused(listed: str, build: Build) -> None:
    with pytest.raises(SettingsError, match="DEEPL_GLOSSARIES"):
        build("translation", "deepl", GLOSSARIES=listed)


def test_text_without_terms_is_no_xml(vendor: deepl.DeepLApi, build: Build) -> None:
    assert build("translation", "deepl").translate(Phrase("R&D", "en", "es")).text == "~R&D~"
    assert "tag_handling" not in vendor.asked[0].json


def test_formality_that_some_languages_refuse_is_no_choice(build: Build) -> None:
    with pytest.raises(SettingsError, match="DEEPL_FORMALITY"):
        build("translation", "deepl", FORMALITY="less")


def test_key_of_the_free_plan_leads_to_its_own_host() -> None:
    assert home("0123:fx") == "https://api-free.deepl.com"
    assert home("0123") == "https://api.deepl.com"


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (said({"message": "Quota exceeded"}, 456), "quota", False),
        (said({"message": "Forbidden"}, 403), "auth", False),
        (said({"message": "Too many requests"}, 429), "rate_limited", True),
        (said({}, 529), "unavailable", True),
        (Answer(b"no json"), "bad_answer", True),
        (said({"translations": []}), "bad_answer", True),
        (said({"translations": [{"text": 5}]}), "bad_answer", True),
        (said({"translations": [{"text": ""}]}), "bad_answer", True),
    ],
)
def test_each_trouble_has_its_code(
    answer: Answer, code: str, retryable: bool, vendor: deepl.DeepLApi, build: Build
) -> None:
    vendor.troubles = [answer]
    with pytest.raises(VendorError) as raised:
        build("translation", "deepl").translate(Phrase("good evening", "en", "es"))
    assert (raised.value.code, raised.value.retryable) == (code, retryable)
    assert deepl.KEY not in str(raised.value)
    assert len(vendor.asked) == 1


def test_language_that_deepl_lacks_is_refused_unasked(vendor: deepl.DeepLApi, build: Build) -> None:
    with pytest.raises(LanguageError, match="gn"):
        build("translation", "deepl").translate(Phrase("radio", "gn", "es"))
    assert not vendor.asked
