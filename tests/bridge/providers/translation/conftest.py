"""A small NLLB of our own behind the real engine, with a record of what the engine is given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ctranslate2
import pytest

from bridge.providers.translation.nllb import Nllb
from bridge.providers.translation.nllb_options import NllbOptions
from tests.bridge.providers.translation.recorded import Make, Recorded
from tests.models.fixtures import tiny_nllb as tiny_nllb


@pytest.fixture
def make(tiny_nllb: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Builds the provider `nllb` from environment variables, on the small model of 128 positions."""
    made: list[Nllb] = []
    defaults = {"TRANSLATION_MODEL": str(tiny_nllb / "ct2"), "TRANSLATION_THREADS": "1", "MAX_LENGTH": "60"}

    def build(**variables: str) -> Nllb:
        for name, value in (defaults | variables).items():
            monkeypatch.setenv(name, value)
        made.append(Nllb(NllbOptions.read()))
        return made[-1]

    yield build
    for provider in made:
        provider.close()


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Recorded]:
    """The translators of CTranslate2 that this test has built."""
    built: list[Recorded] = []
    real = ctranslate2.Translator

    def build(*arguments: Any, **options: Any) -> Recorded:
        built.append(Recorded(real(*arguments, **options), options))
        return built[-1]

    monkeypatch.setattr(ctranslate2, "Translator", build)
    return built
