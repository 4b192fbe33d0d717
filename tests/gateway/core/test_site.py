"""Which pages may connect, by the origin that the browser sends and the host that it asked for."""

from __future__ import annotations

import pytest

from gateway.core.site import Asked, Site, names_of


def site(*origins: str, hosts: set[str] | None = None) -> Site:
    return Site(frozenset(origins), None if hosts is None else frozenset(hosts), names_of("Tower.lan"))


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://talk.example.org", "talk.example.org:443"),
        ("https://talk.example.org", "talk.example.org"),
        ("https://talk.example.org", "Talk.Example.ORG"),
        ("https://talk.example.org:8443", "talk.example.org:8443"),
        ("http://localhost", "localhost:80"),
        ("http://localhost:8000", "localhost:8000"),
        ("http://app.localhost:8000", "app.localhost:8000"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://192.168.1.7:8000", "192.168.1.7:8000"),
        ("http://tower:8000", "tower:8000"),
        ("http://tower.lan:8000", "tower.lan:8000"),
        ("http://tower.local:8000", "tower.local:8000"),
    ],
)
def test_the_servers_own_pages_may_connect(origin: str, host: str) -> None:
    assert site().refusal(Asked(origin, host)) is None


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://talk.example.org", "other.example.org"),
        ("https://talk.example.org", "talk.example.org:8443"),
        ("http://localhost:8001", "localhost:8000"),
        ("http://localhost:8000", "127.0.0.1:8000"),
        ("https://evil.example", "localhost:8000"),
        ("null", "localhost:8000"),
        ("http://[", "localhost:8000"),
        ("https://localhost", "local host/["),
        ("", ""),
    ],
)
def test_pages_of_others_may_not(origin: str, host: str) -> None:
    assert "WS_ORIGINS" in (site().refusal(Asked(origin, host)) or "")


def test_a_strangers_name_that_points_here_is_refused() -> None:
    rebound = Asked("http://evil.example:8000", "evil.example:8000")

    assert "evil.example in WS_HOSTS" in (site().refusal(rebound) or "")
    assert site(hosts={"evil.example"}).refusal(rebound) is None
    assert site(hosts={"*"}).refusal(rebound) is None
    assert site("http://evil.example:8000").refusal(rebound) is None


def test_once_the_names_are_set_https_proves_no_other_one() -> None:
    asked = Asked("https://talk.example.org", "talk.example.org")

    assert site(hosts={"talk.example.org"}).refusal(asked) is None
    assert "WS_HOSTS" in (site(hosts={"other.example.org"}).refusal(asked) or "")
    assert site(hosts={"other.example.org"}).refusal(Asked("http://localhost:1", "localhost:1")) is None


def test_the_scheme_counts_where_it_is_known() -> None:
    assert site().refusal(Asked("https://talk.example.org", "talk.example.org", "https")) is None
    assert site().refusal(Asked("http://localhost", "localhost", "https")) is not None
    assert site().refusal(Asked("https://localhost", "localhost", "http")) is not None


def test_named_origins_may_connect_whatever_they_ask_for_and_a_star_is_all() -> None:
    asked = Asked("https://Talk.example.org:443", "10.0.0.1:8000")

    assert site("https://talk.example.org").refusal(asked) is None
    assert site("http://talk.example.org").refusal(asked) is not None
    assert site("*").refusal(Asked("http://[", "")) is None
