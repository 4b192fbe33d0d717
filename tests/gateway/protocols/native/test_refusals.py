"""Who is let in, by what a handshake says and by whom."""

from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection

from bridge.errors import ProtocolError
from bridge.settings import Settings
from gateway.core.site import Site, names_of
from gateway.protocols.native.refusals import check_origin

ORIGIN = "https://talk.example.org"


def let_in(settings: Settings, peer: str | None = "127.0.0.1", **headers: str) -> bool:
    """Whether a handshake from `peer` with these headers is taken."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "websocket", "headers": raw, "client": (peer, 4_000) if peer else None}
    site = Site(settings.origins, settings.hosts, names_of("tower"))
    try:
        check_origin(HTTPConnection(scope), site, settings.proxies)
    except ProtocolError as error:
        assert (error.code, error.close_code) == ("forbidden_origin", 4403)
        assert error.hint
        return False
    return True


def test_who_is_no_browser_sends_no_origin_and_is_let_in() -> None:
    assert let_in(Settings.read(), host="evil.example")


@pytest.mark.parametrize("host", ["talk.example.org", "talk.example.org:443", "TALK.example.org"])
def test_a_proxy_may_spell_the_host_as_it_likes(host: str) -> None:
    assert let_in(Settings.read(), origin=ORIGIN, host=host)
    assert not let_in(Settings.read(), origin=ORIGIN, host=f"other.{host}")


def test_the_names_that_may_be_served_are_those_of_the_variable() -> None:
    there = {"origin": "http://talk.lan:8000", "host": "talk.lan:8000"}

    assert not let_in(Settings.read(), **there)
    assert let_in(Settings.read(ws_hosts="other.lan, Talk.lan"), **there)
    assert not let_in(Settings.read(ws_hosts="other.lan"), origin=ORIGIN, host="talk.example.org")


@pytest.mark.parametrize(
    ("peer", "believed"),
    [
        ("10.1.2.3", True),
        ("::1", True),
        ("10.2.0.1", False),
        ("127.0.0.1", False),
        (None, False),
        ("x", False),
    ],
)
def test_what_a_proxy_says_counts_where_the_variable_names_it(peer: str | None, believed: bool) -> None:
    settings = Settings.read(ws_proxies="10.1.0.0/16, ::1")
    said = {"x_forwarded_host": "a.example, Talk.example.org", "x_forwarded_proto": "https"}

    assert let_in(settings, peer, origin=ORIGIN, host="backend:8000", **said) is believed
    assert let_in(settings, peer, origin="http://localhost", host="localhost", x_forwarded_proto="wss") is (
        not believed
    )
