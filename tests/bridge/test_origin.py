"""Origins in the one spelling that can be compared."""

from __future__ import annotations

import pytest

from bridge.errors import SettingsError
from bridge.origin import canonical
from bridge.settings import Settings


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://talk.example.org", "https://talk.example.org"),
        ("HTTPS://Talk.Example.org:443/", "https://talk.example.org"),
        ("http://talk.example.org:80", "http://talk.example.org"),
        ("http://talk.example.org:443", "http://talk.example.org:443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("null", "null"),
    ],
)
def test_scheme_host_and_port_are_what_counts(text: str, origin: str) -> None:
    assert canonical(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        *(
            "talk.example.org",
            "https://",
            "https://a/b",
            "https://a?b",
            "http://[",
            "https://a:b",
            "https://u@a",
        ),
        *("", "*", "https://a:70000"),
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        canonical(text)


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("ws_origins", "https://a.example, talk.example.org", "talk.example.org is no origin"),
        ("ws_proxies", "127.0.0.1, nginx", "nginx"),
    ],
)
def test_a_list_with_an_entry_that_never_matches_is_refused_at_the_start(
    variable: str, value: str, named: str
) -> None:
    with pytest.raises(SettingsError, match=named):
        Settings.read(**{variable: value})
