"""As many recordings at once as the server has engines for."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bridge.cli.places import MOST, Places, offered
from bridge.errors import GatewayError

ANSWERS = {
    "/readyz": {"slots": {"stt": 2, "translation": 1, "tts": 3}},
    "/talk/readyz": {"slots": {"stt": 64, "translation": 1, "tts": 1}},
    "/old/readyz": {"ready": True},
    "/odd/readyz": ["slots"],
    "/none/readyz": {"slots": {}},
}


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path in ANSWERS
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(json.dumps(ANSWERS.get(self.path)).encode())

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: the output belongs to pytest."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("", 3),
        ("/", 3),
        ("/v1/stream", 3),
        ("/talk/", MOST),
        ("/talk/v1/stream", MOST),
        ("/old", 1),
        ("/odd", 1),
        ("/none", 1),
        ("/gone", 1),
    ],
)
@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_a_gateway_offers_what_its_busiest_stage_runs_at_once(
    port: int, scheme: str, path: str, places: int
) -> None:
    assert offered(f"{scheme}://127.0.0.1:{port}{path}") == places


def test_who_does_not_answer_offers_one_place() -> None:
    assert offered("ws://127.0.0.1:1") == offered("nonsense") == 1


def crowd(count: int, total: int, room: int) -> tuple[list[int], int]:
    """Runs pieces of work on a server that takes `room` at once: how they ended, and the most at once."""
    inside, most, ended = 0, 0, []

    async def work(number: int) -> None:
        nonlocal inside, most
        if inside >= room:
            raise GatewayError("Full.", code="overloaded", retryable=True)
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        ended.append(number)

    async def all_of_it() -> None:
        places = Places(total)
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(places.run(lambda number=number: work(number)))  # type: ignore[misc]

    asyncio.run(all_of_it())
    return ended, most


@pytest.mark.parametrize(("total", "room", "most"), [(1, 9, 1), (3, 9, 3), (5, 2, 2), (4, 1, 1)])
def test_all_is_done_with_no_more_at_once_than_there_is_room_for(total: int, room: int, most: int) -> None:
    ended, seen = crowd(12, total, room)
    assert sorted(ended) == list(range(12))
    assert seen == most


def test_a_server_without_any_place_for_us_is_an_error() -> None:
    with pytest.raises(ExceptionGroup) as failed:
        crowd(1, 1, 0)
    assert isinstance(failed.value.exceptions[0], GatewayError)
