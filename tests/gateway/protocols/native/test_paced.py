"""Speech at the rate of hearing, on a real server: in whole frames, held and stopped at once, and resumed."""

from __future__ import annotations

import json
import time
from array import array
from collections.abc import Sequence
from typing import Any

import pytest
from websockets.sync.client import connect

from bridge.protocol.wire import AudioFrame, unpack_audio
from bridge.settings import Settings
from tests.gateway.protocols.native.test_connection import CLIP, START, Peer, Server, serving, talking
from tests.stack import wait_until

pytestmark = pytest.mark.redis

RATE = 8_000
REALTIME: dict[str, Any] = {"output": {"rate": RATE, "pacing": "realtime"}}
SPEECH = array("h", [place % 8_000 for place in range(RATE // 2)]).tobytes()  # 500 ms


def spoken(server: Server, peer: Peer, pcm: bytes = SPEECH, **start: Any) -> str:
    """A session of which one segment is translated, and spoken in two pieces."""
    session = peer.starts(**REALTIME | start)
    peer.say(CLIP)
    peer.say({"type": "segment.commit"})
    peer.hears("speech.stopped")
    server.transcribe(session)
    server.translate(session)
    half = len(pcm) // 4 * 2 + 150  # not at the end of a frame
    server.emit(session, "audio", "tts", "es", pcm=pcm[:half], rate=RATE)
    server.emit(session, "audio", "tts", "es", index=1, pcm=pcm[half:], rate=RATE, last=True)
    server.emit(session, "done", "tts", "es", index=2, rate=RATE)
    return session


def sounds(heard: Sequence[dict[str, Any] | bytes]) -> list[AudioFrame]:
    return [unpack_audio(data) for data in heard if isinstance(data, bytes)]


def pcm_of(heard: Sequence[dict[str, Any] | bytes]) -> bytes:
    return b"".join(frame.pcm for frame in sounds(heard))


def kinds(heard: Sequence[dict[str, Any] | bytes]) -> list[str]:
    return [data["type"] for data in heard if isinstance(data, dict)]


def test_speech_comes_in_frames_of_the_length_that_the_variable_says_and_captions_meanwhile(
    settings: Settings,
) -> None:
    """FRAME_MS."""
    with talking(settings, frame_ms=40) as (server, peer):
        spoken(server, peer)
        peer.hears("audio.start")
        began = time.monotonic()
        peer.say({"type": "session.end"})
        peer.hears("session.ended")
        assert 0.3 < time.monotonic() - began < 2
        assert peer.closed() == 1000
        (started,) = [it for it in peer.heard if isinstance(it, dict) and it["type"] == "session.started"]
        assert started["config"]["output"] == {"rate": RATE, "pacing": "realtime"}
        frames = sounds(peer.heard)
        assert {len(frame.pcm) for frame in frames[:-1]} == {RATE * 40 // 1000 * 2}
        assert pcm_of(peer.heard) == SPEECH
        assert frames[-1].last
        assert kinds(peer.heard)[-3:] == ["segment.done", "audio.end", "session.ended"]


def test_a_pause_holds_what_has_not_left_and_a_stop_drops_it(settings: Settings) -> None:
    with talking(settings) as (server, peer):
        spoken(server, peer)
        peer.hears("audio.start")
        peer.say({"type": "playback.pause"})
        peer.hears("playback.paused")
        paused = len(sounds(peer.heard))
        peer.say({"type": "ping"})
        peer.hears("pong")
        assert len(sounds(peer.heard)) == paused
        peer.say({"type": "playback.resume"})
        peer.hears("playback.resumed")
        peer.say({"type": "playback.stop"})
        peer.hears("playback.stopped")
        assert kinds(peer.heard)[-2:] == ["audio.end", "playback.stopped"]
        assert 0 < len(pcm_of(peer.heard)) < len(SPEECH) // 2
        assert SPEECH.startswith(pcm_of(peer.heard))


def test_what_is_left_when_all_was_said_can_still_be_stopped(settings: Settings) -> None:
    with talking(settings) as (server, peer):
        spoken(server, peer, SPEECH * 20)
        peer.say({"type": "session.end"})
        peer.hears("audio.start")
        peer.hears("segment.done")
        wait_until(lambda: all(it._farewell.due for it in server.connections), 5, "the session is over")
        began = time.monotonic()
        peer.say({"type": "playback.stop"})
        peer.hears("session.ended")
        assert time.monotonic() - began < 1
        assert peer.closed() == 1000


@pytest.mark.parametrize("paused", [False, True])
def test_who_comes_back_is_sent_every_sample_once(settings: Settings, paused: bool) -> None:
    with serving(settings) as server:
        with connect(server.url) as socket:
            peer = Peer(socket)
            session = spoken(server, peer)
            peer.hears("audio.start")
            peer.hears("segment.done")
            if paused:
                peer.say({"type": "playback.pause"})
                peer.hears("playback.paused")
            while len(sounds(peer.heard)) < 5 and not paused:
                data = socket.recv(timeout=5)
                peer.heard.append(data if isinstance(data, bytes) else json.loads(data))
            last = sounds(peer.heard)[-1]
            socket.socket.shutdown(2)
        place = {"target": "es", "seq": last.seq, "samples": last.offset + len(last.pcm) // 2}
        texts = [it for it in peer.heard if isinstance(it, dict)]
        resume = {
            "session_id": session,
            "token": next(it["resume_token"] for it in texts if "resume_token" in it),
            "last_seq": max(it["seq"] for it in texts if not it["type"].startswith("audio.")),
            "heard": [place],
        }
        with connect(server.url) as socket:
            again = Peer(socket)
            again.say(START | {"resume": resume})
            again.hears("session.started")
            if paused:
                again.say({"type": "ping"})
                again.hears("pong")
                assert pcm_of(again.heard) == b""
                again.say({"type": "playback.resume"})
            again.hears("audio.end")
        assert pcm_of(peer.heard) + pcm_of(again.heard) == SPEECH
        said = [kind for kind in kinds(again.heard) if kind not in ("session.started", "pong", "audio.ack")]
        assert said == ["playback.resumed", "audio.end"] if paused else ["audio.end"]
