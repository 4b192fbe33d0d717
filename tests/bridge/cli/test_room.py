"""`speechbridge room`: the links and the code that a running server gives, or a sentence why not."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import segno
from pytest import MonkeyPatch

from bridge.cli.room import drawn
from tests.stack import free_port
from tests.terminal import speechbridge

MADE = {
    "room": "k7",
    "name": "Stand-up",
    "listen": {"secret": "hear", "path": "/r/k7#hear"},
    "speak": {"secret": "say", "path": "/r/k7/speak#say"},
    "expires_s": 86_400,
}
Serve = Callable[..., str]


@pytest.fixture
def server() -> Iterator[Serve]:
    """A server that answers each POST with this status and body; `asked` gets what it was sent."""
    running: list[HTTPServer] = []

    def serve(status: int, body: Any, asked: list[tuple[str, Any]] | None = None) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if asked is not None:
                    asked.append((self.path, sent))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            def log_message(self, *_: object) -> None: ...

        made = HTTPServer(("127.0.0.1", 0), Answer)
        running.append(made)
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"http://127.0.0.1:{made.server_port}"

    yield serve
    for each in running:
        each.shutdown()
        each.server_close()


def test_links_are_printed_with_a_code_of_the_one_for_listening(server: Serve) -> None:
    asked: list[tuple[str, Any]] = []
    url = server(201, MADE, asked)
    done = speechbridge("room", "--url", url, "--name", "Stand-up")
    assert done.returncode == 0
    assert asked == [("/v1/rooms", {"name": "Stand-up"})]
    lines = done.stdout.splitlines()
    assert lines[0] == "Room Stand-up, kept until nobody used it for 24 h"
    assert lines[1:3] == [f"  listen  {url}/r/k7#hear", f"  speak   {url}/r/k7/speak#say"]
    code = io.StringIO()
    segno.make(f"{url}/r/k7#hear", error="m", micro=False).terminal(code, border=2, compact=True)
    assert lines[4:] == code.getvalue().splitlines()
    assert "\033" not in done.stdout, "no terminal, no colours"


def test_links_that_nobody_else_can_follow_are_pointed_out(server: Serve) -> None:
    done = speechbridge("room", "--url", server(201, MADE))
    assert "this machine only" in done.stderr
    assert "--url" in done.stderr


def test_json_is_one_object_with_the_links(server: Serve) -> None:
    url = server(201, MADE)
    done = speechbridge("room", "--url", f"{url}/", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "room": "k7",
        "name": "Stand-up",
        "listen": f"{url}/r/k7#hear",
        "speak": f"{url}/r/k7/speak#say",
        "expires_s": 86_400,
    }


def test_server_of_this_machine_is_asked_on_the_port_of_the_settings(server: Serve) -> None:
    port = server(201, MADE).rpartition(":")[2]
    done = speechbridge("room", "--json", PORT=port)
    assert json.loads(done.stdout)["listen"] == f"http://127.0.0.1:{port}/r/k7#hear"


def test_refusal_is_told_in_the_words_of_the_server(server: Serve) -> None:
    told = {"code": "too_many_rooms", "message": "There are 1000 rooms.", "hint": "Try again in a minute."}
    done = speechbridge("room", "--url", server(503, told))
    assert done.returncode == 1
    assert done.stderr == "error: There are 1000 rooms.\n→ Try again in a minute.\n"


@pytest.mark.parametrize(
    ("status", "body"), [(404, {"detail": "Not Found"}), (200, b"<html>"), (201, {"a": 1})]
)
def test_server_that_makes_no_rooms_is_told_apart(server: Serve, status: int, body: Any) -> None:
    done = speechbridge("room", "--url", server(status, body))
    assert done.returncode == 1
    assert "makes no rooms" in done.stderr


def test_nobody_there_is_a_sentence_that_says_how_to_start_one() -> None:
    done = speechbridge("room", "--url", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "No gateway answers" in done.stderr
    assert "speechbridge up" in done.stderr


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://host", "http://"])
def test_what_is_no_address_is_refused_with_an_example(url: str) -> None:
    assert "http://127.0.0.1:8000" in speechbridge("room", "--url", url).stderr


class Terminal(io.StringIO):
    """A terminal with this set of letters."""

    def __init__(self, letters: str) -> None:
        super().__init__()
        self._letters = letters

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._letters

    def isatty(self) -> bool:
        return True


def test_code_is_dark_on_light_whatever_the_colours_of_the_terminal(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    rows = drawn("http://host/r/k7#hear", Terminal("utf-8")).splitlines()
    assert all(row.startswith("\033[40;97m") and row.endswith("\033[0m") for row in rows)


def test_who_wants_no_colours_gets_none(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in drawn("http://host/r/k7#hear", Terminal("utf-8"))


def test_terminal_without_blocks_gets_the_links_alone() -> None:
    assert drawn("http://host/r/k7#hear", Terminal("ascii")) == ""
