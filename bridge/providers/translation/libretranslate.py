"""Translation by a LibreTranslate server: one of your own, or one that wants a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, SecretStr

from bridge import languages, options
from bridge.errors import LanguageError, VendorError
from bridge.providers import http, http_options
from bridge.providers.translation import guard
from bridge.text import clean
from bridge.types import Phrase, Translation

TAGS = {"pb": "pt-BR", "zt": "zh-Hant"}
"""Codes of the server that are no tags of the languages they mean; newer servers say pt-BR and zh-Hant."""


class LibreTranslateOptions(options.Options):
    """Which server, and its key."""

    libretranslate_base_url: str = Field(
        "http://127.0.0.1:5000", pattern=http_options.URL, description="The server, without /translate."
    )
    libretranslate_api_key: SecretStr | None = Field(
        None, description="Key of the server; one of your own needs none unless it was started to want one."
    )
    libretranslate_connect_ms: int = http_options.connect_ms()
    libretranslate_first_byte_ms: int = http_options.first_byte_ms(5_000)
    libretranslate_total_ms: int = http_options.total_ms(8_000)
    libretranslate_patience_ms: int = http_options.patience_ms()


class LibreTranslate:
    """`/translate`, with the pairs of `/languages`, which is asked once. No confidence: the server says none.

    Raises VendorError where the server does not say what it has, so a worker does not start without it.
    """

    Options: type[options.Options] = LibreTranslateOptions

    def __init__(self, options: LibreTranslateOptions) -> None:
        key = http_options.key("LIBRETRANSLATE_API_KEY", options.libretranslate_api_key, needed=False)
        limits = http_options.deadlines(options, "libretranslate")
        self._key = {"api_key": key} if key else {}
        self._remote = http.Remote(
            "LibreTranslate",
            options.libretranslate_base_url,
            {},
            limits,
            key_variable="LIBRETRANSLATE_API_KEY",
        )
        try:
            self._codes, self._targets = self._offered()
            if not self.pairs():
                raise self._remote.bad_answer("a list without two languages that are known here")
        except BaseException:
            self.close()
            raise

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Those of the server, for regional forms too that are written as the language itself."""
        return frozenset(
            (source, target)
            for source, code in self._codes.items()
            for target, wanted in self._codes.items()
            if wanted != code and wanted in self._targets[code]
        )

    def translate(self, phrase: Phrase) -> Translation:
        """The text in the target language. Raises LanguageError and VendorError."""
        source, target = self._code(phrase.source), self._code(phrase.target)
        if source == target or target not in self._targets[source]:
            raise LanguageError(
                f"The LibreTranslate server has no pair {phrase.source} to {phrase.target}.",
                "Install the model of that pair there, or choose another target.",
            )
        if not (text := clean(phrase.text)):
            return Translation("")
        made = self._ask({"q": text, "source": source, "target": target, "format": "text"})
        if doubt := guard.doubt(guard.spelled(text), guard.spelled(made), finished=True):
            raise self._remote.bad_answer(f"a translation that is {doubt}")
        return Translation(made)

    def resident(self) -> tuple[str, ...]:
        """None: models are the server's."""
        return ()

    def close(self) -> None:
        """Closes the connections."""
        self._remote.close()

    def _ask(self, body: Mapping[str, str]) -> str:
        try:
            said = self._remote.json("/translate", json={**body, **self._key})
        except VendorError as error:
            if error.code == "provider_failed":  # HTTP 400, with a reason that quotes what was asked
                error.hint = (
                    "A server that wants a key gets it from LIBRETRANSLATE_API_KEY; else the text is longer "
                    "than the server takes, or it lost the pair: start the worker again."
                )
            raise
        text = said.get("translatedText")
        if not isinstance(text, str):
            raise self._remote.bad_answer("no text")
        return clean(text)

    def _offered(self) -> tuple[dict[str, str], dict[str, frozenset[str]]]:
        """The server's code of each tag, and those that each is translated to. Raises VendorError."""
        targets = {
            str(each.get("code")): frozenset(map(str, _list(each.get("targets"))))
            for each in self._remote.listed("/languages")
        }
        own = {tag: code for code in targets if (tag := _tag(code))}
        codes = {
            known.tag: code
            for known in languages.known()
            if (code := own.get(known.tag) or own.get(known.base if _usual(known) else ""))
        }
        return codes, targets

    def _code(self, tag: str) -> str:
        try:
            return self._codes[tag]
        except KeyError:
            raise LanguageError(
                f"The LibreTranslate server has no {tag}.", f"It has {', '.join(sorted(self._codes))}."
            ) from None


def _tag(code: str) -> str | None:
    """Our tag of a code of the server, None for a language that is not in the table."""
    try:
        return languages.find(TAGS.get(code, code)).tag
    except LanguageError:
        return None


def _usual(known: languages.Language) -> bool:
    """Whether a regional form is written as the language itself, so that text in the one is good for both."""
    return languages.find(known.base).nllb == known.nllb


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []
