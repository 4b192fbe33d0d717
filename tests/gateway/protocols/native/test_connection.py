"""One connection from handshake to close, on a real server and Redis; the test does the workers' part."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import redis
import uvicorn
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bridge import topology
from bridge.media import decode
from bridge.protocol.wire import unpack_audio
from bridge.settings import Settings
from bridge.store.registry import Registry, WorkerRecord
from bridge.store.work import Desk
from bridge.types import STAGES, Event
from gateway.app import create_app
from gateway.protocols.native import vigil
from gateway.protocols.native.connection import Connection
from gateway.protocols.native.transport import allowing
from tests.stack import REPOSITORY, as_gateway, free_port, wait_until

pytestmark = pytest.mark.redis

CLIP = b"".join(decode(REPOSITORY / "tests" / "data" / "speech" / "go_forward.wav"))
START = {
    "type": "session.start",
    "protocol": 1,
    "source": {"language": "en"},
    "targets": [{"language": "es"}],
}


class Server:
    """A gateway in a thread, and what workers would write to its Redis."""

    def __init__(self, port: int, url: str) -> None:
        self.connections: set[Connection] = set()
        self.url = f"ws://127.0.0.1:{port}/v1/stream"
        self.desk = Desk(url)
        self.client = redis.Redis.from_url(url)

    def emit(self, session: str, kind: Any, stage: Any, target: str | None = None, **values: Any) -> None:
        self.desk.emit(session, Event(kind, stage, session, 0, target=target, worker="w", **values))

    def transcribe(self, session: str) -> None:
        self.emit(session, "text", "stt", text="go", language="en", confidence=0.5)

    def translate(self, session: str) -> None:
        self.emit(session, "text", "translation", "es", text="va", confidence=0.25)

    def speak(self, session: str) -> None:
        self.emit(session, "audio", "tts", "es", pcm=b"\1\0" * 2_400, rate=24_000)
        self.emit(session, "audio", "tts", "es", index=1, rate=24_000, last=True)
        self.emit(session, "done", "tts", "es", index=2, rate=24_000)


class Peer:
    """A client that numbers nothing and remembers all."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.heard: list[dict[str, Any] | bytes] = []

    def say(self, message: dict[str, Any] | bytes) -> None:
        self.socket.send(message if isinstance(message, bytes) else json.dumps(message))

    def hears(self, kind: str) -> dict[str, Any]:
        while True:
            data = self.socket.recv(timeout=10)
            self.heard.append(data if isinstance(data, bytes) else json.loads(data))
            found = self.heard[-1]
            if isinstance(found, dict) and found["type"] == kind:
                return found

    def starts(self, **changes: Any) -> str:
        self.say(START | changes)
        return str(self.hears("session.started")["session_id"])

    def closed(self) -> int:
        with pytest.raises(ConnectionClosed) as caught:
            while True:
                self.socket.recv(timeout=10)
        assert caught.value.rcvd is not None
        return caught.value.rcvd.code


@contextmanager
def serving(settings: Settings, **changes: Any) -> Iterator[Server]:
    as_gateway(settings, topology.load())
    registry = Registry(settings.redis_url)
    for stage in STAGES:
        languages = ("en",) if stage == "stt" else ("es", "fr")
        pairs = (("en", "es"), ("en", "fr")) if stage == "translation" else ()
        registry.register(
            WorkerRecord(f"{stage}-cpu0", stage, "cpu0", f"{stage}.cpu0", 4, "p", languages, pairs), 60_000
        )
    registry.close()
    settings = settings.model_copy(update=changes)
    port = free_port()
    made = Server(port, settings.redis_url)
    config = uvicorn.Config(
        create_app(settings, made.connections),
        port=port,
        ws=allowing(settings.ws_rate, settings.ws_burst),
        log_config=None,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        wait_until(lambda: server.started, 10, "the server listens")
        yield made
    finally:
        server.should_exit = True
        thread.join(10)
        made.desk.close()
        made.client.close()


@contextmanager
def talking(settings: Settings, **changes: Any) -> Iterator[tuple[Server, Peer]]:
    with serving(settings, **changes) as server, connect(server.url) as socket:
        yield server, Peer(socket)


def test_text_and_audio_share_one_row_of_numbers_and_text_tells_its_time(settings: Settings) -> None:
    began = time.monotonic()
    with talking(settings) as (server, peer):
        session = peer.starts()
        peer.say(CLIP)
        peer.say({"type": "segment.commit"})
        peer.hears("speech.stopped")
        server.transcribe(session)
        server.translate(session)
        server.speak(session)
        peer.hears("segment.done")
        peer.say({"type": "session.end"})
        peer.hears("session.ended")
        assert peer.closed() == 1000
    numbers = [
        unpack_audio(each).seq if isinstance(each, bytes) else each["seq"]
        for each in peer.heard
        if isinstance(each, bytes) or each["type"] != "audio.ack"  # an answer has no number of its own
    ]
    assert numbers == list(range(1, len(numbers) + 1))
    times = [each["t_ms"] for each in peer.heard if isinstance(each, dict)]
    assert times == sorted(times)
    assert 0 <= times[-1] < (time.monotonic() - began) * 1000


def test_a_conversation_that_no_engine_can_follow_is_refused_and_a_start_still_works(
    settings: Settings,
) -> None:
    both = {"source": {"language": "auto", "among": ["en", "es"]}, "targets": [{"language": "en"}]}
    with talking(settings) as (_, peer):
        peer.say(START | both)
        error = peer.hears("error")
        peer.starts()
    assert (error["code"], error["fatal"]) == ("cannot_detect", False)
    assert "faster_whisper" in error["hint"]


def test_each_noun_is_told_in_its_message(settings: Settings) -> None:
    with talking(settings) as (server, peer):
        session = peer.starts()
        peer.say(CLIP)
        peer.say({"type": "segment.commit"})
        peer.hears("speech.stopped")
        server.transcribe(session)
        transcript = peer.hears("transcript.final")
        assert (transcript["segment"], transcript["text"], transcript["language"]) == (0, "go", "en")
        assert transcript["confidence"] == 0.5
        assert 0 <= transcript["start_ms"] < transcript["end_ms"] < len(CLIP) / 32
        server.translate(session)
        translation = peer.hears("translation.final")
        assert (translation["target"], translation["text"], translation["confidence"]) == ("es", "va", 0.25)
        server.speak(session)
        begins = peer.hears("audio.start")
        assert (begins["segment"], begins["target"], begins["index"], begins["rate"]) == (0, "es", 0, 24_000)
        ends = peer.hears("audio.end")
        assert ends["duration_ms"] == 100
        frames = [unpack_audio(each) for each in peer.heard if isinstance(each, bytes)]
        assert b"".join(frame.pcm for frame in frames) == b"\1\0" * 2_400
        assert [(frame.segment, frame.target, frame.last) for frame in frames][-1] == (0, 0, True)
        assert frames[-1].offset == 2_400
        assert peer.hears("segment.done")["timings_ms"]["total"] > 0


def test_an_answer_carries_the_number_of_the_frame_before(settings: Settings) -> None:
    with talking(settings) as (_, peer):
        peer.say({"type": "ping"})
        assert peer.hears("pong")["seq"] == 0
        peer.starts()
        peer.say({"type": "ping"})
        assert peer.hears("pong")["seq"] == 1
        peer.say({"type": "nonsense"})
        assert peer.hears("error")["seq"] == 1


def test_a_wish_is_answered_with_how_long_it_took(settings: Settings) -> None:
    with talking(settings) as (_, peer):
        peer.starts()
        for wish, answer in (("pause", "paused"), ("resume", "resumed"), ("stop", "stopped")):
            peer.say({"type": f"playback.{wish}"})
            assert 0 < peer.hears(f"playback.{answer}")["latency_ms"] < 1_000


@pytest.mark.parametrize("says", ["ping", "nothing", "nonsense"])
def test_who_starts_no_session_is_closed_whatever_he_sends(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    monkeypatch.setattr(vigil, "START_SECONDS", 0.6)
    with talking(settings) as (_, peer):
        since = time.monotonic()
        messages = {"ping": {"type": "ping"}, "nonsense": {"type": "x"}, "nothing": None}
        stop = threading.Event()

        def keep_saying() -> None:
            with contextlib.suppress(ConnectionClosed):
                while not stop.wait(0.1):
                    if (message := messages[says]) is not None:
                        peer.say(message)

        talker = threading.Thread(target=keep_saying)
        talker.start()
        error = {"code": ""}
        while error["code"] != "idle":
            error = peer.hears("error")
        stop.set()
        talker.join()
        assert (error["close_code"], error["retryable"]) == (4408, True)  # type: ignore[comparison-overlap]
        assert peer.closed() == 4408
        assert 0.5 < time.monotonic() - since < 3


def test_a_session_is_not_closed_by_the_time_that_a_start_may_take(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vigil, "START_SECONDS", 0.3)
    with talking(settings) as (_, peer):
        peer.starts()
        time.sleep(0.6)
        peer.say({"type": "ping"})
        peer.hears("pong")


def test_what_comes_before_the_session_has_started_is_heard_after_it(settings: Settings) -> None:
    with talking(settings) as (server, peer):
        peer.say(START)
        peer.say(CLIP)
        peer.say({"type": "ping"})
        peer.say({"type": "session.end"})
        session = peer.hears("session.started")["session_id"]
        peer.hears("speech.stopped")
        server.transcribe(session)
        server.translate(session)
        server.speak(session)
        peer.hears("session.ended")
        kinds = [each["type"] for each in peer.heard if isinstance(each, dict)]
        assert kinds[0] == "session.started"
        assert "pong" in kinds and "error" not in kinds


def test_of_what_comes_before_the_session_has_started_little_is_kept(settings: Settings) -> None:
    """A Redis that takes a second to answer must not let a client fill the memory meanwhile."""
    with talking(settings) as (server, peer):
        server.client.client_pause(500, all=True)
        (connection,) = server.connections
        peer.say(START)

        def flood() -> None:
            with contextlib.suppress(ConnectionClosed, OSError):
                for _ in range(2_000):
                    peer.socket.send(bytes(32_000))

        talker = threading.Thread(target=flood, daemon=True)
        talker.start()
        time.sleep(0.4)
        kept = sum(len(frame) for frame in connection._wait.kept)
        peer.hears("session.started")
        peer.socket.close_timeout = 0
        peer.socket.socket.shutdown(2)
        talker.join(5)
        assert kept < 600_000


def test_a_pause_after_the_end_is_refused(settings: Settings) -> None:
    with talking(settings) as (_, peer):
        peer.starts()
        peer.say(CLIP)
        peer.say({"type": "session.end"})
        peer.say({"type": "playback.pause"})
        assert peer.hears("error")["code"] == "ending"


def test_a_place_is_given_back_when_a_client_leaves(settings: Settings) -> None:
    with serving(settings, ws_max_connections=1) as server:
        for _ in range(3):
            with connect(server.url) as socket:
                Peer(socket).starts()
            wait_until(lambda: server.client.keys("journal:*") == [], 5, "its session is gone")


def test_a_container_streamed_as_pcm_ends_the_session_with_its_name(settings: Settings) -> None:
    with talking(settings) as (_, peer):
        peer.starts()
        peer.say(b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42\x87")
        error = peer.hears("error")
        assert (error["code"], error["close_code"], error["fatal"]) == ("not_pcm", 4400, True)
        assert "WebM (EBML)" in error["message"]
        assert "PCM s16le" in error["hint"] and "16000 Hz" in error["hint"]
        assert peer.closed() == 4400


def test_float_samples_are_told_by_a_warning_and_the_session_goes_on(settings: Settings) -> None:
    with talking(settings) as (_, peer):
        peer.starts()
        peer.say((np.frombuffer(CLIP, "<i2") / 32_768).astype("<f4").tobytes())
        warning = peer.hears("warning")
        assert warning["code"] == "not_pcm"
        assert "32-bit float" in warning["message"] and "PCM s16le" in warning["hint"]
        peer.say({"type": "session.end"})
        silent = peer.hears("warning")
        assert silent["code"] == "no_speech"
        assert "microphone" not in silent["hint"]
        peer.hears("session.ended")


@pytest.mark.parametrize(
    ("backlog_ms", "changes", "told"),
    [
        (None, {}, ["es", None, 1.5]),
        (0, {}, ["es", None]),
        (9_000, {"catch_up_ms": 4_000}, ["es", None, 1.5]),
        (0, {"pacing": "realtime"}, ["es", None, 1.5]),
        (None, {"speech_rate_most": 1.0}, ["es", None]),
    ],
    ids=[
        "so long as it was spoken",
        "all was heard",
        "more waits than was thought",
        "it is paced and has not left",
        "never",
    ],
)
def test_a_translation_is_asked_for_as_fast_as_the_listener_is_behind(
    settings: Settings, backlog_ms: float | None, changes: dict[str, float], told: list[Any]
) -> None:
    second = 32_000
    with talking(settings, **({"catch_up_ms": 500, "speech_rate_most": 1.5} | changes)) as (server, peer):
        session = peer.starts()
        peer.say(CLIP[: second + second // 2])
        peer.say({"type": "segment.commit"})
        peer.hears("speech.stopped")
        server.transcribe(session)
        server.translate(session)
        server.emit(session, "audio", "tts", "es", pcm=bytes(48_000 * 4), rate=24_000, last=True)
        server.emit(session, "done", "tts", "es", index=1, rate=24_000)
        peer.hears("segment.done")
        if backlog_ms is not None:
            peer.say({"type": "playback.mark", "segment": 0, "played_ms": 0, "backlog_ms": backlog_ms})
        peer.say(CLIP[: second + second // 2])
        peer.say({"type": "segment.commit"})
        peer.hears("speech.stopped")
        wait_until(lambda: server.client.llen("stt.cpu0") >= 2, 5, "it is sent")
        body = base64.b64decode(json.loads(server.client.lindex("stt.cpu0", 0))["body"])  # type: ignore[arg-type]
    assert f'"args": {json.dumps(told)}' in body.decode()
