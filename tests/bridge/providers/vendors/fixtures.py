"""The fake vendors, one of each for a whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bridge.providers.vendors import deepl, openai


@pytest.fixture(scope="session")
def vendors() -> Iterator[dict[str, dict[str, str]]]:
    """The variables that lead a provider to its vendor, by the provider's name."""
    ears, words = openai.OpenAi(), deepl.DeepLApi()
    with ears.running(), words.running():
        yield {
            "openai": {"OPENAI_API_KEY": openai.KEY, "OPENAI_BASE_URL": ears.url},
            "deepl": {"DEEPL_API_KEY": deepl.KEY, "DEEPL_BASE_URL": words.url},
        }
