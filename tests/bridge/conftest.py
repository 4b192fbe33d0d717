"""Fixtures for tests of what workers and gateways share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bridge.rooms import Room
from tests.stack import RedisProcess


@pytest.fixture
def room(redis_server: RedisProcess) -> Iterator[Room]:
    """An open room on an empty Redis."""
    made = Room(redis_server.url)
    yield made
    made.close()
