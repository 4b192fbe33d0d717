"""Translation by DeepL's API, free and pro."""

from __future__ import annotations

import html
import re
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator

from bridge import options
from bridge.errors import LanguageError
from bridge.glossary.finding import Finder
from bridge.providers import Advice, http, http_options
from bridge.providers.translation import guard
from bridge.text import clean
from bridge.types import Phrase, Translation

FREE, PRO = "https://api-free.deepl.com", "https://api.deepl.com"
FREE_KEY = ":fx"
"""The end of keys of the free plan, which the other host does not know."""

# DeepL's page of supported languages. A source has no region and a target must have one, where there are two.
CODES: dict[str, tuple[str, str]] = {
    tag: (tag.upper(), tag.upper())
    for tag in (
        *(
            "ar",
            "bg",
            "cs",
            "da",
            "de",
            "el",
            "es",
            "et",
            "fi",
            "fr",
            "hu",
            "id",
            "it",
            "ja",
            "ko",
            "lt",
            "lv",
        ),
        *("nl", "pl", "ro", "ru", "sk", "sl", "sv", "tr", "uk"),
    )
} | {
    "en": ("EN", "EN-US"),
    "en-GB": ("EN", "EN-GB"),
    "es-419": ("ES", "ES-419"),
    "no": ("NB", "NB"),
    "pt": ("PT", "PT-PT"),
    "pt-BR": ("PT", "PT-BR"),
    "zh": ("ZH", "ZH-HANS"),
    "zh-Hant": ("ZH", "ZH-HANT"),
}
"""For each of our tags DeepL's name of it as a source and as a target."""

MARKED = {"tag_handling": "xml", "tag_handling_version": "v2", "ignore_tags": ["x"]}
TAG = re.compile("</?x>")


class DeepLOptions(options.Options):
    """The account, and how DeepL translates."""

    deepl_api_key: SecretStr | None = Field(
        None, description="Key of the account; those of the free plan end in :fx."
    )
    deepl_base_url: str | None = Field(
        None, pattern=http_options.URL, description="The server; unset, DeepL's for the plan of the key."
    )
    deepl_formality: Literal["default", "prefer_more", "prefer_less"] = Field(
        "default", description="Formal or informal address, in the languages that tell them apart."
    )
    deepl_context: str = Field(
        "", description="Text that tells what the talk is about; it is neither translated nor billed."
    )
    deepl_model: Literal["latency_optimized", "quality_optimized", "prefer_quality_optimized"] = Field(
        "latency_optimized", description="Kind of model that translates."
    )
    deepl_glossaries: str = Field(
        "",
        description="Glossaries kept at DeepL, each by its pair and id, comma-separated; GLOSSARY acts too.",
        examples=["en-es:def3a26b-3e84-45b3-84ae-0c0aaf3525f7"],
    )
    deepl_connect_ms: int = http_options.connect_ms()
    deepl_first_byte_ms: int = http_options.first_byte_ms(3_000)
    deepl_total_ms: int = http_options.total_ms(5_000)
    deepl_patience_ms: int = http_options.patience_ms()

    @field_validator("deepl_glossaries")
    @classmethod
    def _named(cls, text: str) -> str:
        glossaries(text)
        return text


def glossaries(text: str) -> dict[tuple[str, str], str]:
    """The ids of a list such as en-es:ID by DeepL's names of source and target. Raises ValueError."""
    found = {}
    for entry in filter(None, (each.strip() for each in text.split(","))):
        pair, _, name = entry.partition(":")
        source, _, target = pair.partition("-")
        if source not in CODES or target not in CODES or not name.strip():
            raise ValueError(f"{entry} names no pair and id; write en-es:ID")
        found[CODES[source][0], CODES[target][0]] = name.strip()
    return found


class DeepL:
    """`/v2/translate`. No confidence: DeepL says none. A term stands in the text as it is to be called, in a
    tag whose content DeepL leaves as it is."""

    Options: type[options.Options] = DeepLOptions
    advice: frozenset[Advice] = frozenset(("terms", "context"))

    @staticmethod
    def billed(options: DeepLOptions) -> str:
        """The plan: the free one costs nothing."""
        key = options.deepl_api_key.get_secret_value() if options.deepl_api_key else ""
        return "nothing" if key.endswith(FREE_KEY) else "pro"

    def __init__(self, options: DeepLOptions) -> None:
        self._options = options
        self._glossaries = glossaries(options.deepl_glossaries)
        key = http_options.key("DEEPL_API_KEY", options.deepl_api_key, needed=True)
        limits = http_options.deadlines(options, "deepl")
        host = options.deepl_base_url or home(key)
        self._remote = http.Remote(
            "DeepL", host, {"Authorization": f"DeepL-Auth-Key {key}"}, limits, key_variable="DEEPL_API_KEY"
        )

    def pairs(self) -> frozenset[tuple[str, str]]:
        """All of CODES with all others, save two forms of one language."""
        return frozenset((a, b) for a in CODES for b in CODES if CODES[a][0] != CODES[b][0])

    def translate(self, phrase: Phrase) -> Translation:
        """The text in the target language. Raises LanguageError and VendorError."""
        source, target = _code(phrase.source)[0], _code(phrase.target)[1]
        if not (text := clean(phrase.text)):
            return Translation("")
        body: dict[str, Any] = {
            "text": [_marked(text, phrase) if phrase.terms else text],
            "source_lang": source,
            "target_lang": target,
            "model_type": self._options.deepl_model,
        }
        if phrase.terms:
            body |= MARKED
        if glossary := self._glossaries.get((source, _code(phrase.target)[0])):
            body["glossary_id"] = glossary
        if self._options.deepl_formality != "default":
            body["formality"] = self._options.deepl_formality
        if context := clean(" ".join((self._options.deepl_context, *phrase.context))):
            body["context"] = context
        said = self._remote.json("/v2/translate", json=body)
        try:
            answer = said["translations"][0]["text"]
            made = clean(html.unescape(TAG.sub("", answer)) if phrase.terms else answer)
        except (LookupError, TypeError):
            raise self._remote.bad_answer("no text") from None
        if doubt := guard.doubt(guard.spelled(text), guard.spelled(made), finished=True):
            raise self._remote.bad_answer(f"a translation that is {doubt}")
        return Translation(made)

    def resident(self) -> tuple[str, ...]:
        """None: models are DeepL's."""
        return ()

    def close(self) -> None:
        """Closes the connections."""
        self._remote.close()


def home(key: str) -> str:
    """DeepL's host for the plan of a key."""
    return FREE if key.endswith(FREE_KEY) else PRO


def _code(tag: str) -> tuple[str, str]:
    try:
        return CODES[tag]
    except KeyError:
        raise LanguageError(f"DeepL has no {tag} here.", f"It has {', '.join(sorted(CODES))}.") from None


def _marked(text: str, phrase: Phrase) -> str:
    """As XML, with each term as it is to be called."""
    pieces, end = list[str](), 0
    for found in Finder(dict(phrase.terms), phrase.source).find(text):
        pieces += (html.escape(text[end : found.start], quote=False), f"<x>{html.escape(found.target)}</x>")
        end = found.end
    return "".join((*pieces, html.escape(text[end:], quote=False)))
