"""The link of a room as it is copied and pasted."""

from __future__ import annotations

import pytest

from bridge.client import RoomLink
from bridge.errors import GatewayError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://host:8000/r/k7#s3", RoomLink("http://host:8000", "k7", "s3", False)),
        ("https://host/r/k7/speak#s3", RoomLink("https://host", "k7", "s3", True)),
        ("https://host/r/k7/speak#s3&listen=s4", RoomLink("https://host", "k7", "s3", True)),
        (" https://example.org/talk/r/k7/#s3\n", RoomLink("https://example.org/talk", "k7", "s3", False)),
        ("http://[::1]:8000/r/k7#a%2Fb", RoomLink("http://[::1]:8000", "k7", "a/b", False)),
    ],
)
def test_link_tells_gateway_room_secret_and_what_it_is_for(text: str, expected: RoomLink) -> None:
    assert RoomLink.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k7#s3",
        "host/r/k7#s3",
        "ftp://host/r/k7#s3",
        "http://host/#s3",
        "http://host/r/#s3",
        "http://[/r/k7#s3",
    ],
)
def test_what_is_no_link_is_refused_with_an_example_and_without_its_secret(text: str) -> None:
    with pytest.raises(GatewayError, match="r/ROOM#SECRET") as caught:
        RoomLink.parse(text)
    assert caught.value.code == "bad_link"
    assert "s3" not in str(caught.value)


def test_link_that_lost_its_secret_says_so() -> None:
    with pytest.raises(GatewayError, match="no secret"):
        RoomLink.parse("http://host/r/k7")


def test_link_is_shown_without_its_secret() -> None:
    assert str(RoomLink.parse("http://host/r/k7/speak#s3")) == "http://host/r/k7/speak"
