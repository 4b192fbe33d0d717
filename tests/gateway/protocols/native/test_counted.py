"""What is counted of a connection: by a real server, as its client would count it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from websockets.sync.client import connect

from bridge.settings import Settings
from gateway.core.effects import Play
from gateway.protocols.native.frames import Press
from gateway.protocols.native.transport import FREE_BYTES, Transport
from gateway.protocols.native.voice import Voice
from gateway.runtime import outbox
from gateway.runtime.metronome import Metronome
from gateway.runtime.traffic import TRAFFIC
from tests.gateway.protocols.native.test_connection import CLIP, START, Peer, Server, serving, talking
from tests.gateway.protocols.native.test_opening import Unread
from tests.gateway.protocols.native.test_paced import REALTIME, SPEECH, spoken
from tests.gateway.runtime.test_flights import Change, value
from tests.stack import RedisProcess, wait_until

pytestmark = pytest.mark.redis

SECOND = bytes(32_000)


@pytest.fixture(scope="module")
def server(_redis: RedisProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests here: each counts from where it begins."""
    _redis.flush()
    folder: Path = tmp_path_factory.mktemp("counted")
    with serving(Settings.read(redis_url=_redis.url, data_dir=folder, partials=True)) as made:
        yield made


def traffic(direction: str) -> Change:
    TRAFFIC.pour()
    names = ("bridge_ws_messages_total", "bridge_ws_bytes_total", "bridge_audio_seconds_total")
    return Change(*((name, {"direction": direction}) for name in names))


def closes(*codes: str) -> Change:
    return Change(*(("bridge_closes_total", {"code": code}) for code in codes))


def errors(**types: str) -> Change:
    return Change(*(("bridge_errors_total", {"stage": stage, "type": code}) for stage, code in types.items()))


def wait(grown: Change, expected: list[float]) -> None:
    """It is counted when the server has noticed, a moment after its client."""
    wait_until(lambda: grown() == expected, 5, f"{grown()} is {expected}")


def test_what_a_client_sends_is_counted_to_the_byte_by_whatever_way_it_is_read(server: Server) -> None:
    with connect(server.url) as socket:
        peer = Peer(socket)
        peer.starts()
        grown = traffic("in")
        ping = json.dumps({"type": "ping", "word": "ñ"}, ensure_ascii=False)
        frames: list[bytes] = [SECOND[:FREE_BYTES]] * 50 + [SECOND[:100], SECOND * 3]  # short way, long way
        for frame in frames:
            peer.say(frame)
        socket.send(ping)
        peer.hears("pong")
        TRAFFIC.pour()
        size = sum(len(frame) for frame in frames)
        assert grown() == [len(frames) + 1, size + len(ping.encode()), size / 32_000]


def test_a_scrape_sees_all_that_came_before_it(server: Server) -> None:
    grown = traffic("in")
    with connect(server.url) as socket:
        peer = Peer(socket)
        peer.starts()
        peer.say(SECOND)
        peer.say({"type": "ping"})
        peer.hears("pong")
        assert httpx.get(f"http{server.url[2:]}".replace("/v1/stream", "/metrics")).status_code == 200
        assert grown()[2] == 1


@pytest.mark.parametrize("start", [{}, REALTIME | {"output": {"rate": 8_000, "pacing": "realtime"}}])
def test_what_leaves_is_counted_as_it_arrives(server: Server, start: dict[str, Any]) -> None:
    grown = traffic("out")
    with connect(server.url) as socket:
        peer = Peer(socket)
        raw: list[str | bytes] = []
        receive = socket.recv

        def noted(*arguments: Any, **named: Any) -> Any:
            raw.append(receive(*arguments, **named))
            return raw[-1]

        socket.recv = noted  # type: ignore[method-assign]
        spoken(server, peer, SPEECH, output={"rate": 8_000} | start.get("output", {}))
        peer.hears("audio.end")
        peer.say({"type": "session.end"})
        assert peer.closed() == 1000
        TRAFFIC.pour()
        size = sum(len(each if isinstance(each, bytes) else each.encode()) for each in raw)
        messages, sent, seconds = grown()
        assert (messages, sent) == (len(raw), size)
        assert seconds == pytest.approx(len(SPEECH) / 16_000)


def test_a_connection_is_counted_while_it_is_open_and_by_the_code_that_closed_it(server: Server) -> None:
    before = value("bridge_connections")
    ended = closes("1000", "1006", "other", "4426", "1009")
    with connect(server.url), connect(server.url) as socket:
        Peer(socket).starts()
        assert value("bridge_connections") == before + 2
    wait(ended, [2, 0, 0, 0, 0])
    assert value("bridge_connections") == before
    with connect(server.url) as socket:
        socket.close(code=3_999)
    wait(ended, [2, 0, 1, 0, 0])
    with connect(server.url) as socket:
        socket.socket.shutdown(2)
    wait(ended, [2, 1, 1, 0, 0])
    with connect(server.url) as socket:
        peer = Peer(socket)
        peer.say(START | {"protocol": 99})
        assert peer.closed() == 4426
    wait(ended, [2, 1, 1, 1, 0])
    with connect(server.url) as socket:
        socket.send(bytes(20_000_000))  # no frame may have so much, whoever reads it
        assert Peer(socket).closed() == 1009
    wait(ended, [2, 1, 1, 1, 1])


def test_a_session_that_is_refused_more_has_not_ended_as_its_client_wished(server: Server) -> None:
    ended = Change(*(("bridge_sessions_ended_total", {"reason": each}) for each in ("done", "refused")))
    with connect(server.url) as socket:
        peer = Peer(socket)
        peer.starts()
        socket.send("x" * 20_000)
        assert peer.closed() == 1009
    wait(ended, [0, 1])
    with connect(server.url) as socket:
        peer = Peer(socket)
        peer.starts()
        peer.say({"type": "session.end"})
        assert peer.closed() == 1000
    wait(ended, [1, 1])


def test_what_a_client_is_told_of_is_counted_by_stage_and_code(server: Server) -> None:
    with connect(server.url) as socket:
        peer = Peer(socket)
        told = errors(connection="no_session", stt="unsupported")
        peer.say({"type": "segment.commit"})
        assert peer.hears("error")["code"] == "no_session"
        session = peer.starts()
        peer.say(CLIP)
        peer.say({"type": "segment.commit"})
        peer.hears("speech.stopped")
        assert told() == [1, 0]
        server.emit(session, "failed", "stt", code="unsupported", message="no such language")
        assert peer.hears("segment.failed")["code"] == "unsupported"
        assert told() == [1, 1]


def test_a_wish_is_in_force_when_it_is_acknowledged(server: Server) -> None:
    grown = Change(("bridge_control_seconds_count", {}), ("bridge_control_seconds_sum", {}))
    with connect(server.url) as socket:
        peer = Peer(socket)
        peer.starts()
        peer.say({"type": "playback.pause"})
        latency = peer.hears("playback.paused")["latency_ms"]
        assert grown() == [1, pytest.approx(latency / 1000)]


def test_a_look_is_counted_where_its_words_are_shown(server: Server) -> None:
    grown = Change(("bridge_partials_total", {"outcome": "shown"}))
    with connect(server.url) as socket:
        peer = Peer(socket)
        session = peer.starts(features=["partials"])
        peer.say(CLIP[: len(CLIP) // 2])
        peer.hears("speech.started")
        server.emit(session, "partial", "stt", index=16_000, text="go", language="en")
        peer.hears("transcript.partial")
    wait(grown, [1])


def test_what_waits_for_a_client_that_does_not_read_is_seen(settings: Settings) -> None:
    with talking(settings) as (server, peer):
        peer.starts()
        (connection,) = server.connections
        before = value("bridge_output_queue_bytes")
        connection.outbox._writable = lambda: False
        connection.outbox.say("x" * 1_000)
        connection.outbox.answer("y" * 100)
        assert (before, value("bridge_output_queue_bytes")) == (0, 1_100)
        connection.outbox._writable = lambda: True


def test_segments_that_a_slow_listener_was_spared_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LATE_SECONDS", -1.0)
    grown = Change(("bridge_skipped_segments_total", {}))
    voice = Voice(cast(Transport, Unread()), Press(), Metronome(20))
    voice.skips = 24_000
    voice.play(Play(2, 0, 0, 0, b"\0\0"), 2)

    assert grown() == [1]
