"""What the self-check makes of the languages that a gateway says it offers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import permutations

import pytest

from bridge.cli.selfcheck import choose_target
from bridge.errors import BridgeError


@contextmanager
def answering(body: str, status: int = 200) -> Iterator[str]:
    """The address of a server that gives `body` to every GET."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = body.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def offer(*tags: str) -> str:
    pairs = [{"source": source, "target": target} for source, target in permutations(tags, 2)]
    return json.dumps({"detects": True, "pairs": pairs, "languages": []})


def test_offer_of_two_hundred_languages_is_read_to_its_end() -> None:
    many = offer("en", *(f"x{number:03}" for number in range(200)))
    assert len(many) > 1_000_000
    with answering(many) as url:
        assert choose_target(url) == "x000"


@pytest.mark.parametrize(
    ("tags", "target"), [(("en", "ca", "es"), "es"), (("en", "fr", "ca"), "ca"), (("fr", "es"), None)]
)
def test_spanish_is_chosen_where_there_is_a_choice(tags: tuple[str, ...], target: str | None) -> None:
    with answering(offer(*tags)) as url:
        assert choose_target(url) == target


def test_words_that_are_passed_on_as_they_are_are_chosen_last() -> None:
    pairs = [
        {"source": "en", "target": "en", "as_spoken": True},
        {"source": "en", "target": "fr"},
        {"source": "en", "target": "en-GB", "as_spoken": True},
    ]
    for offered, target in ((pairs, "fr"), (pairs[:1], "en")):
        with answering(json.dumps({"pairs": offered})) as url:
            assert choose_target(url) == target


@pytest.mark.parametrize(("body", "status"), [("<html>busy</html>", 200), ('{"message": "no Redis"}', 503)])
def test_gateway_that_does_not_say_what_it_offers_fails_the_check(body: str, status: int) -> None:
    with answering(body, status) as url, pytest.raises(BridgeError, match="self-check failed") as caught:
        choose_target(url)
    assert body in caught.value.message
