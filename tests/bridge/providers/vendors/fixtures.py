"""The fake vendors, one of each for a whole run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from bridge.providers import load
from bridge.types import Stage
from tests.bridge.providers.vendors import (
    azure,
    cosyvoice,
    deepgram,
    deepl,
    elevenlabs,
    libretranslate,
    openai,
    xtts,
)


@pytest.fixture(scope="session")
def vendors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, str]]]:
    """The variables that lead a provider to its vendor, by the provider's name."""
    ears, words, own = openai.OpenAi(), deepl.DeepLApi(), libretranslate.LibreTranslateApi()
    listener, both, mouth = deepgram.Deepgram(), azure.Azure(), elevenlabs.ElevenLabs()
    lent = cosyvoice.CosyVoiceServer()
    with ExitStack() as running:
        for vendor in (ears, words, own, listener, both, mouth, lent):
            running.enter_context(vendor.running())
        yield {
            "openai": {"OPENAI_API_KEY": openai.KEY, "OPENAI_BASE_URL": ears.url},
            "deepl": {"DEEPL_API_KEY": deepl.KEY, "DEEPL_BASE_URL": words.url},
            "deepgram": {"DEEPGRAM_API_KEY": deepgram.KEY, "DEEPGRAM_BASE_URL": listener.url},
            "azure": {"AZURE_SPEECH_KEY": azure.KEY, "AZURE_SPEECH_ENDPOINT": both.url},
            "elevenlabs": {"ELEVENLABS_API_KEY": elevenlabs.KEY, "ELEVENLABS_BASE_URL": mouth.url},
            "libretranslate": {"LIBRETRANSLATE_BASE_URL": own.url},
            "coqui": {
                "COQUI_TOS_AGREED": "1",
                "COQUI_MODEL": str(xtts.checkpoint(tmp_path_factory.mktemp("models") / "xtts")),
            },
            "cosyvoice": {
                "COSYVOICE_BASE_URL": lent.url,
                "COSYVOICE_MODE": "sft",
                "COSYVOICE_SPEAKER": cosyvoice.SPEAKERS[0],
                "COSYVOICE_LANGUAGES": "en,es",
            },
        }


Build = Callable[..., Any]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    """Builds a provider with variables and closes it after the test."""
    with ExitStack() as stack:

        def make(stage: Stage, name: str, **variables: object) -> Any:
            for variable, value in variables.items():
                monkeypatch.setenv(f"{name.upper()}_{variable}", str(value))
            return stack.enter_context(closing(load(stage, name)))

        yield make
