"""Recognisers are told which of the operator's terms may be said, where they can make use of that."""

from __future__ import annotations

from typing import Any

from bridge.glossary import Glossary
from bridge.providers import Hinted

CHARACTERS = 600
"""Of all terms together at most, the first of the file first: Whisper reads 224 tokens before speech."""


def hinted(engine: Any, glossary: Glossary | None) -> Any:
    """`engine`, which asks the glossary from here on for the terms of a language."""
    if glossary is not None and isinstance(engine, Hinted):
        engine.heed(lambda language: hint(glossary.book().words(language)))
    return engine


def hint(terms: list[str]) -> str:
    """As many of the terms as there is room for, with commas between them."""
    found = ""
    for term in terms:
        longer = f"{found}, {term}" if found else term
        if len(longer) > CHARACTERS:
            break
        found = longer
    return found
