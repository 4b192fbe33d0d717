"""The peer that speaks the native protocol from a script, and recordings for it."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from tests.peer import gateway

__all__ = ["gateway"]


@pytest.fixture
def brief(tmp_path: Path) -> Path:
    """A twentieth of a second."""
    path = tmp_path / "brief.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(1_600))
    return path


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A second of silence, at a rate that is not ours."""
    path = tmp_path / "talk.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(bytes(44_100))
    return path
