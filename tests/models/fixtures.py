"""Fixtures that unpack the small models of this folder once per test run."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import pytest

from tests.models import kokoro
from tests.models.archive import unpack


def engine(name: str) -> Any:
    """The package; skips the test where it is not installed, save in CI."""
    return importlib.import_module(name) if os.environ.get("CI") else pytest.importorskip(name)


@pytest.fixture(scope="session")
def tiny_whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for faster-whisper: it hears the English and Spanish phrases of phrases.json."""
    return unpack("whisper-tiny-test", tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def tiny_nllb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `ct2` for CTranslate2 and `hf` for transformers: English to and from es, ca and fr."""
    return unpack("nllb-tiny-test", tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def tiny_piper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Voices {es_ES,fr_FR,ca_ES,en_US}-tiny-low.onnx, and es_ES-tiny-high.onnx of two speakers."""
    return unpack("piper-tiny-test", tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def tiny_kokoro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with kokoro-v1.0.onnx and voices-v1.0.bin: American, British, Spanish and French voices."""
    return kokoro.make(tmp_path_factory.mktemp("models") / "kokoro")
