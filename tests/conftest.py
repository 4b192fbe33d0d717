"""Fixtures that start what a test needs and end it with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.settings import Settings
from tests.stack import SIMULATED, Processes, RedisProcess, Stack, running


@pytest.fixture(scope="session")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    server = RedisProcess(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_server(_redis: RedisProcess) -> RedisProcess:
    """An empty Redis, shared by the tests of this run one after the other."""
    _redis.flush()
    return _redis


@pytest.fixture
def settings(redis_server: RedisProcess, tmp_path: Path) -> Settings:
    return Settings.read(redis_url=redis_server.url, data_dir=tmp_path)


@pytest.fixture
def processes(redis_server: RedisProcess, tmp_path: Path) -> Iterator[Processes]:
    """Processes of the system on the test's Redis; their output is shown when the test fails."""
    environment = {"REDIS_URL": redis_server.url, "DATA_DIR": str(tmp_path), "LOG_LEVEL": "INFO"}
    made = Processes(environment, tmp_path)
    yield made
    made.stop()
    print(made.output())


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Makes stacks of a test's own, with the variables given; all end with the test."""
    made: list[Stack] = []

    def make(**environment: str) -> Stack:
        folder = tmp_path / f"stack{len(made)}"
        folder.mkdir()
        made.append(Stack(folder, **environment))
        return made[-1]

    yield make
    for each in made:
        each.down()
        print(each.output())


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running system on the embedded default, shared by the tests of this run."""
    with running(tmp_path_factory.mktemp("embedded")) as stack:
        yield stack


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running system on simulated engines of 120, 60 and 80 ms, shared by the tests of this run."""
    with running(tmp_path_factory.mktemp("simulated"), **SIMULATED) as stack:
        yield stack
