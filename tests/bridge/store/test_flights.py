"""The flight recorder's tape on a real Redis: what is kept, for how long, and how much of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest

from bridge.store import flights, keys
from bridge.store.flights import Line, Reader, Tape, decode, encode
from bridge.types import Ear, Flight, Leg
from tests.stack import RedisProcess

LEG = Leg("tts", "es", "tts-cpu0", 1, 0, 2.0, 291.0, None, 380.0, "broken")
FLIGHT = Flight(
    "ada", 0, 1_795_788_378.5, 2e3, 5e2, 0.0, "en", "failed", {"es": "failed"}, (LEG,), again=("tts",)
)
EAR = Ear("ada", 0, "es", "left", 502.5)


def write(redis: RedisProcess, lines: Iterable[Line], seconds: int = 60, segments: int = 10) -> None:
    async def run() -> None:
        tape = Tape(redis.url, seconds, segments)
        await tape.append(lines)
        await tape.close()

    asyncio.run(run())


@pytest.mark.parametrize("line", [FLIGHT, EAR, replace(FLIGHT, dropped=2, recorded=True, legs=())])
def test_a_line_is_read_as_it_was_written(line: Line) -> None:
    assert decode(encode(line)) == line


def test_fields_of_a_newer_release_are_ignored_and_what_is_no_line_is_left_out() -> None:
    assert decode(encode(EAR)[:-1] + b',"mood":"fine"}') == EAR
    assert decode(b'{"session":"ada"}') is None
    assert decode(b"{") is None


@pytest.mark.redis
def test_lines_are_read_in_their_order_and_from_where_one_stopped(redis_server: RedisProcess) -> None:
    write(redis_server, [FLIGHT, EAR])
    reader = Reader(redis_server.url)
    first, after = reader.lines("ada")
    write(redis_server, [replace(EAR, kind="played")])
    second, _ = reader.lines("ada", after)

    assert first == [FLIGHT, EAR]
    assert second == [replace(EAR, kind="played")]
    assert reader.lines("ada", after="9999999999999-0") == ([], "9999999999999-0")
    reader.close()


@pytest.mark.redis
def test_the_oldest_segments_of_a_session_go_first_and_all_of_it_expires(redis_server: RedisProcess) -> None:
    write(redis_server, [replace(EAR, segment=number) for number in range(100)], seconds=30, segments=10)
    reader = Reader(redis_server.url)
    lines, _ = reader.lines("ada")

    assert [line.segment for line in lines] == list(range(70, 100))
    assert 0 < reader._client.ttl(keys.flight("ada")) <= 30
    reader.close()


@pytest.mark.redis
def test_the_sessions_heard_of_longest_ago_make_room(
    redis_server: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flights, "SESSIONS", 2)
    for name in ("ada", "ben", "cleo"):
        write(redis_server, [replace(EAR, session=name)])
    reader = Reader(redis_server.url)

    assert [name for name, _ in reader.sessions()] == ["cleo", "ben"]
    assert reader.lines("ada")[0] == []
    reader.close()
