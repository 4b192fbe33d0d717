"""A Chromium for the tests of a module, and a network that can be taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.browser.chromium import Chromium, Visit, recording
from tests.browser.network import Network


# Not for the whole run: while it is open, nothing else in this thread can run an event loop.
@pytest.fixture(scope="module")
def _playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def visit(_playwright: Playwright) -> Iterator[Visit]:
    """Opens browsers; a test passes only if none of its pages met an error it did not handle."""
    chromium = Chromium(_playwright)
    yield chromium.visit
    errors = [error for visitor in chromium.visitors for error in visitor.errors]
    chromium.close()
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
    """A microphone that hears "go forward ten meters" every 4 s."""
    return recording(tmp_path_factory.mktemp("microphone") / "go_forward.wav", "go_forward.wav")
