"""A translator of CTranslate2 that remembers what it is given and can be made to fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.providers.translation.nllb import Nllb
from bridge.types import Phrase

Make = Callable[..., Nllb]
"""Builds a provider from environment variables."""


class Recorded:
    """The real translator; `spoil` changes its answers."""

    def __init__(self, real: Any, made: dict[str, Any]) -> None:
        self.made = made
        self.calls: list[dict[str, Any]] = []
        self.spoil: Callable[[list[Any], dict[str, Any]], list[Any]] = lambda results, call: results
        self._real = real

    def translate_batch(self, source: list[list[str]], **options: Any) -> list[Any]:
        self.calls.append({"source": source} | options)
        return self.spoil(self._real.translate_batch(source, **options), self.calls[-1])

    def unload_model(self) -> None:
        self._real.unload_model()


def say(provider: Nllb, text: str, source: str = "en", target: str = "es") -> str:
    return provider.translate(Phrase(text, source, target)).text
