"""A hub of our own and an empty folder for models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bridge.models import catalogue
from tests.bridge.models.repositories import (
    TINY,
    voices,
    whisper,
)
from tests.hub import Hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    made = Hub({TINY: whisper(), catalogue.VOICES: voices()}, {TINY: "mit"})
    made.start()
    monkeypatch.setenv("HF_ENDPOINT", made.url)
    yield made
    made.stop()


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the hub's library try again at once, which waits a second else."""
    monkeypatch.setattr("huggingface_hub.file_download.time", SimpleNamespace(sleep=lambda seconds: None))


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for models; the working folder is empty too."""
    folder = tmp_path / "models"
    monkeypatch.setenv("MODELS_DIR", str(folder))
    monkeypatch.delenv("PRESET", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)
    return folder
