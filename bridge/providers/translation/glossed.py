"""Any translator with the operator's terms: told of them, or given words in their place that it keeps."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bridge import providers
from bridge.glossary import Glossary
from bridge.glossary.finding import Found, edge
from bridge.options import Options
from bridge.providers import Advice, Translator
from bridge.types import Phrase, Translation

log = structlog.get_logger(__name__)

Call = Callable[[Phrase], Translation]

# fmt: off
NAMES = (
    "Williams", "Anderson", "Johnson", "Robinson", "Thompson", "Harrison",
    "Henderson", "Peterson", "Stevenson", "Sullivan", "Morrison", "Eisenhower",
)
# fmt: on
"""Surnames: an engine knows what they are, so that its grammar is right around them, and translates none.
All of them came back from all of Apertium's English, Spanish and Catalan sentences that were tried."""
CODES = tuple(f"XQ{number}" for number in range(1, 65))
"""What no engine knows, for texts with more terms and where a name did not come back."""

SENTENCE_ENDS = ".!?…。！？"  # noqa: RUF001


def glossed(engine: Any, glossary: Glossary | None) -> Any:
    """`engine` with the terms of the glossary; as it is where there is none.

    It stands around the cache: an engine is asked, and a translation kept, under the words that stand in
    place of the terms, or with the terms themselves where it takes them.
    """
    return engine if glossary is None else Glossed(engine, glossary)


class Glossed:
    """A translator of which a term of the text comes out as the glossary says, wherever that can be had."""

    def __init__(self, engine: Any, glossary: Glossary) -> None:
        self.Options: type[Options] = engine.Options
        self.advice: frozenset[Advice] = providers.advice(engine)
        self._engine: Translator = engine
        self._glossary = glossary

    def translate(self, phrase: Phrase) -> Translation:
        """The text in the target language, the terms left out where one is lost. Raises as the engine."""
        return self._made(phrase, self._engine.translate)

    def uncached(self, phrase: Phrase) -> Translation:
        """A new translation, of which nothing is kept: of words that will change. Raises as the engine."""
        return self._made(phrase, getattr(self._engine, "uncached", self._engine.translate))

    def share(self, lengths: Sequence[int]) -> float:
        """That of the engine."""
        return providers.share(self._engine, lengths)

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Those of the engine."""
        return self._engine.pairs()

    def resident(self) -> tuple[str, ...]:
        """Those of the engine."""
        return self._engine.resident()

    def close(self) -> None:
        """Closes the engine."""
        self._engine.close()

    def _made(self, phrase: Phrase, call: Call) -> Translation:
        text = unicodedata.normalize("NFC", phrase.text)
        found = self._glossary.book().finder(phrase.source, phrase.target).find(text)
        if not found:
            return call(phrase)
        if "terms" in self.advice:
            terms = dict.fromkeys((each.term, each.target) for each in found)
            return call(replace(phrase, text=text, terms=tuple(terms)))
        for words in (NAMES + CODES, CODES):
            if (hidden := _hidden(text, found, words)) is None:
                continue
            made = call(replace(phrase, text=hidden.text))
            if (shown := hidden.shown(made.text, phrase.target)) is not None:
                return replace(made, text=shown)
        log.info("terms of the glossary left out: they did not come back", terms=len(found))
        return call(phrase)


@dataclass(frozen=True, slots=True)
class _Hidden:
    """A text with a word in place of each term, and what each word stands for."""

    text: str
    places: dict[str, Found]

    def shown(self, made: str, language: str) -> str | None:
        """The translation with the terms put back; None where a word is missing, changed or doubled."""
        inner, words = edge(language), "|".join(self.places)
        matches = list(re.finditer(f"(?<![{inner}])(?:{words})(?![{inner}])", made))
        whole = sorted(match[0] for match in matches) == sorted(self.places)
        if not whole or len(re.findall(words, made, re.IGNORECASE)) != len(matches):
            return None
        return "".join(self._pieces(made, matches))

    def _pieces(self, made: str, matches: Iterable[re.Match[str]]) -> Iterator[str]:
        end = 0
        for match in matches:
            found = self.places[match[0]]
            yield made[end : match.start()]
            yield _begun(found) if _begins(made[: match.start()]) else found.target
            end = match.end()
        yield made[end:]


def _hidden(text: str, found: Sequence[Found], words: Sequence[str]) -> _Hidden | None:
    """None where there are not enough words that the text itself has not."""
    said = text.casefold()
    free = [word for word in words if word.casefold() not in said]
    if len(free) < len(found):
        return None
    pieces, places, end = list[str](), dict[str, Found](), 0
    for each, word in zip(found, free, strict=False):
        pieces += (text[end : each.start], word)
        places[word] = each
        end = each.end
    return _Hidden("".join((*pieces, text[end:])), places)


def _begins(before: str) -> bool:
    """Whether a sentence begins behind these words."""
    rest = before.rstrip(" \"'“”«»¿¡([—-")
    return not rest or rest[-1] in SENTENCE_ENDS


def _begun(found: Found) -> str:
    """The term as a sentence begins with it, where it was said with a capital that is not its own."""
    capital = found.said[:1].isupper() and not found.term[:1].isupper()
    return found.target[:1].upper() + found.target[1:] if capital else found.target
