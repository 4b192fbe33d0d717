"""Human speech and real engines, shared by the tests of the providers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import ProviderMissing
from bridge.media import decode
from bridge.options import variables
from bridge.providers import load, option_classes
from bridge.types import SPEECH_RATE, Audio, Stage

SPEECH = Path(__file__).parents[2] / "data" / "speech"


@pytest.fixture(autouse=True)
def _defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a developer has set in the environment or in `.env` stays out of the tests."""
    monkeypatch.chdir(tmp_path)
    for options in option_classes():
        for variable in variables(options):
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("PRESET", raising=False)


class Engines:
    """Builds providers once for all tests and closes them at the end."""

    def __init__(self) -> None:
        self._built: dict[tuple[Stage, str], Any] = {}

    def get(self, stage: Stage, name: str) -> Any:
        """The provider with default options; skips the test where it is not installed, save in CI."""
        if (stage, name) not in self._built:
            try:
                self._built[stage, name] = load(stage, name)
            except ProviderMissing as missing:
                if os.environ.get("CI"):
                    raise
                pytest.skip(str(missing))
        return self._built[stage, name]

    def close(self) -> None:
        for provider in self._built.values():
            provider.close()


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    made = Engines()
    yield made
    made.close()


@pytest.fixture(scope="session")
def transcripts() -> dict[str, str]:
    """What is said in each file of tests/data/speech."""
    texts: dict[str, str] = json.loads((SPEECH / "transcripts.json").read_text())
    return texts


def clip(name: str) -> Audio:
    """A file of tests/data/speech."""
    return Audio(b"".join(decode(SPEECH / name)), SPEECH_RATE)


@pytest.fixture(scope="session")
def clips(transcripts: dict[str, str]) -> dict[str, Audio]:
    return {name: clip(name) for name in transcripts}
