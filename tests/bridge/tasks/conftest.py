"""Fixtures for tests of the tasks: this process as a worker, and real workers that several tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.store.cancel import Cancellations
from bridge.store.work import Desk
from bridge.tasks.run import Runtime, install
from tests.bridge.rooms import Room


@pytest.fixture
def runtime(room: Room) -> Iterator[Runtime]:
    """This process as the worker `w`, on the Redis of the open room."""
    made = Runtime("w", None, Desk(room.url), Cancellations(room.url, "w", "life1"))
    assert made.cancellations.listening.wait(5)
    install(made)
    yield made
    install(None)
    made.cancellations.close()
    made.desk.close()
