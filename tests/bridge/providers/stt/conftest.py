"""The small Whisper of tests/models, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.providers.stt.faster_whisper import FasterWhisper
from bridge.providers.stt.whisper_options import FasterWhisperOptions
from tests.bridge.providers.stt.recorded import (
    Build,
)
from tests.models.fixtures import tiny_whisper as tiny_whisper


@pytest.fixture
def build(tiny_whisper: Path) -> Iterator[Build]:
    """Builds the provider with the small model and closes it at the end."""
    built = []

    def make(**options: Any) -> FasterWhisper:
        given = {"stt_model_size": str(tiny_whisper)} | options
        built.append(FasterWhisper(FasterWhisperOptions.read(**given)))
        return built[-1]

    yield make
    for provider in built:
        provider.close()


@pytest.fixture(scope="session")
def whisper(tiny_whisper: Path) -> Iterator[FasterWhisper]:
    """The provider with the small model and nothing else set, for tests that change nothing of it."""
    provider = FasterWhisper(FasterWhisperOptions.read(stt_model_size=str(tiny_whisper)))
    yield provider
    provider.close()
