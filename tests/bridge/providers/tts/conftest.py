"""Piper with voices that hum, as pulled ones or by their paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from bridge.providers import load
from tests.bridge.providers.tts.humming import Recorded, make


@pytest.fixture
def pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts a voice where `speechbridge models pull` puts it."""
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))

    def put(name: str, **features: Any) -> Path:
        return make(tmp_path / "models" / "piper" / name / f"{name}.onnx", **features)

    return put


@pytest.fixture
def piper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Builds the provider with variables set, and closes it."""
    built: list[Any] = []

    def build(**variables: object) -> Any:
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        built.append(load("tts", "piper"))
        return built[-1]

    yield build
    for provider in built:
        provider.close()


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> type[Recorded]:
    monkeypatch.setattr(onnxruntime, "InferenceSession", Recorded)
    Recorded.made, Recorded.ran = [], []
    return Recorded
