"""What several modules here share: the model, a Redis with workers, and journals that are looked at often."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.settings import Settings
from gateway.runtime import relay
from gateway.runtime.vad import Model
from tests.gateway.runtime.ear import Redis


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


@pytest.fixture
def store(settings: Settings) -> Iterator[Redis]:
    made = Redis(settings.redis_url)
    yield made
    made.close()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done to journals every ten seconds is done twenty times a second."""
    monkeypatch.setattr(relay, "KEEP_SECONDS", 0.05)
