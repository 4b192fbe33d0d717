"""The port on which a process shows its series."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest
from prometheus_client import CollectorRegistry, Gauge
from structlog.testing import capture_logs

from bridge.cli.network import fetch
from bridge.errors import SettingsError
from bridge.metrics import server
from bridge.metrics.server import Page


@pytest.fixture
def gauge() -> Gauge:
    """The one series of the page."""
    return Gauge("what_is_now", "What is now.", registry=CollectorRegistry())


@pytest.fixture
def served() -> Iterator[Callable[..., Page]]:
    """Serves registries, and ends it."""
    made: list[Page] = []

    def serve(host: str = "127.0.0.1", port: int = 0, registry: CollectorRegistry | None = None) -> Page:
        made.append(Page(host, port, registry or CollectorRegistry()))
        return made[-1]

    yield serve
    for each in made:
        each.close()


@pytest.fixture
def page(served: Callable[..., Page], gauge: Gauge) -> Page:
    registry = CollectorRegistry()
    registry.register(gauge)
    return served(registry=registry)


def shown(page: Page) -> str:
    answer = fetch("127.0.0.1", page.port, "/metrics")
    assert answer is not None and answer[0] == 200
    return answer[1]


def test_each_answer_says_what_is_now(page: Page, gauge: Gauge) -> None:
    page.refresh = lambda: gauge.inc(2)

    assert "what_is_now 2.0" in shown(page)
    assert "what_is_now 4.0" in shown(page)


def test_what_cannot_be_refreshed_hides_nothing_of_the_rest(page: Page, gauge: Gauge) -> None:
    def broken() -> None:
        gauge.set(3)
        raise RuntimeError("The engine does not say.")

    page.refresh = broken
    with capture_logs() as lines:
        assert "what_is_now 3.0" in shown(page)

    assert [line["event"] for line in lines] == ["not all metrics are fresh"]


def test_a_port_that_is_taken_is_named_with_a_remedy(served: Callable[..., Page]) -> None:
    first = served()
    with pytest.raises(SettingsError) as caught:
        served(port=first.port)

    assert f"METRICS_PORT: port {first.port} on 127.0.0.1 is in use" in str(caught.value)
    assert "METRICS_PORT=0" in caught.value.hint


def test_a_port_is_free_again_as_soon_as_its_page_is_closed(served: Callable[..., Page]) -> None:
    first = Page("127.0.0.1", 0, CollectorRegistry())
    shown(first)
    first.close()

    assert served(port=first.port).port == first.port


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("203.0.113.1", 0, "METRICS_HOST=203.0.113.1 is no address of this machine"),
        ("no.such.host.invalid", 0, "METRICS_HOST=no.such.host.invalid is no address of this machine"),
        ("127.0.0.1", 65_536, "METRICS_PORT leads to port 65536"),
    ],
)
def test_where_it_cannot_listen_the_variable_is_named(host: str, port: int, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Page(host, port)


def test_it_listens_where_it_is_told_and_nowhere_else(served: Callable[..., Page]) -> None:
    page = served("127.0.0.2")

    assert fetch("127.0.0.2", page.port, "/metrics") is not None
    assert fetch("127.0.0.1", page.port, "/metrics") is None


def test_a_client_that_says_nothing_is_closed_and_others_are_served_meanwhile(
    page: Page, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert 1 <= (server._Handler.timeout or 0) <= 10
    monkeypatch.setattr(server._Handler, "timeout", 0.1)
    with socket.create_connection(("127.0.0.1", page.port), timeout=5) as silent:
        since = time.monotonic()
        shown(page)
        assert silent.recv(1) == b""
    assert time.monotonic() - since < 2
    assert capfd.readouterr().err == ""
