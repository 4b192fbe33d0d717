"""Chromium for the tests of this folder, microphones, and a network that can be taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.between import quiet
from tests.browser.chromium import Browsers, Visit, Visits, repeating
from tests.browser.network import Network

HERE = Path(__file__).parent
BROWSERS = pytest.StashKey[Browsers]()


@pytest.hookimpl(trylast=True)  # after the fixtures of the test
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Ends the browsers before a test without one: while their driver is open, nothing else in this thread
    can run an event loop."""
    if BROWSERS in item.config.stash and (nextitem is None or HERE not in nextitem.path.parents):
        item.config.stash[BROWSERS].close()


@pytest.fixture(scope="session")
def browsers(pytestconfig: pytest.Config) -> Browsers:
    return pytestconfig.stash.setdefault(BROWSERS, Browsers())


@pytest.fixture
def visit(browsers: Browsers) -> Iterator[Visit]:
    """Opens pages; a test passes only if none of them met an error it did not handle."""
    visits = Visits(browsers)
    yield visits.visit
    errors = [error for visitor in visits.visitors for error in visitor.errors]
    visits.close()
    # The browser itself reports what a test does to the network.
    unexpected = [
        error for error in errors if "WebSocket connection" not in error and "Failed to load" not in error
    ]
    assert unexpected == []


@pytest.fixture
def network() -> Iterator[Callable[[int], Network]]:
    """Makes networks that lead to a port of this machine."""
    made: list[Network] = []

    def make(port: int) -> Network:
        made.append(Network(port))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def go_forward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A microphone that hears "go forward ten meters" every PERIOD_S."""
    return repeating(tmp_path_factory.mktemp("microphone") / "go_forward.wav")


@pytest.fixture(scope="session")
def quiet_room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A microphone that hears nobody."""
    return quiet(tmp_path_factory.mktemp("microphone") / "quiet.wav")
