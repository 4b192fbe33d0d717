"""Fixtures that start what a test needs and end it with the test."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bridge import tracing
from bridge.settings import Settings
from tests import pace
from tests.collector import Collector, collecting
from tests.stack import SIMULATED, Processes, RedisProcess, Stack, free_port, gateway_of, running


def pytest_configure() -> None:
    # A shell that runs the tests in the background has them ignore the signal, which some of them send.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=pace.weight)


@pytest.hookimpl(tryfirst=True)  # before the fixtures start processes
def pytest_runtest_setup(item: pytest.Item) -> None:
    pace.step_back(item)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> pace.Rooms:
    return pace.Rooms(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fails a test that takes longer than its kind may."""
    report = yield
    if report.when == "call" and report.passed and (complaint := pace.complaint(item, report.duration)):
        report.outcome = "failed"
        report.longrepr = complaint
    return report


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


@pytest.fixture
def with_gateway(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Starts gateways with the variables given at a stack that others share; all end with the test."""
    with ExitStack() as ends:

        def start(shared: Stack, **environment: str) -> Stack:
            folder = tmp_path / f"gateway{free_port()}"
            folder.mkdir()
            return ends.enter_context(gateway_of(shared, folder, **environment))

        yield start


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Traces of this process; `tracing.close()` brings the last of them."""
    with collecting() as made:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.endpoint)
        tracing.setup("speechbridge-test", {"bridge.provider": "p"})
        yield made
        tracing.close()


@pytest.fixture(scope="session")
def traces() -> Iterator[Collector]:
    """Traces of the shared simulated system, and of gateways beside it."""
    with collecting() as made:
        yield made


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running system on the embedded default, shared by the tests of this run."""
    # Words and speech are tested here, not what is left out where the machine has no time for them.
    with running(tmp_path_factory.mktemp("embedded"), LATENESS_MS="60000") as stack:
        yield stack


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory, traces: Collector) -> Iterator[Stack]:
    """A running system on simulated engines of 120, 60 and 80 ms, shared by the tests of this run."""
    found = {"SIMULATED_STT_LANGUAGES": "en,es,en:0.6"}
    sent = {"OTEL_EXPORTER_OTLP_ENDPOINT": traces.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with running(tmp_path_factory.mktemp("simulated"), **SIMULATED, **found, **sent) as stack:
        yield stack
