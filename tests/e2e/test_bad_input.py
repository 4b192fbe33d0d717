"""What clients get that break the rules, or just leave: a clear answer, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import redis
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bridge.client import translate
from bridge.errors import GatewayError
from tests.e2e.talk import START, Peer, speech, talk, works
from tests.stack import SIMULATED, Stack, status, wait_until

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("message", "code", "names"),
    [
        ("{not json", "bad_json", "JSON"),
        ('["a list"]', "bad_json", "object"),
        ({"type": "session.dance"}, "unknown_type", "session.dance"),
        ({"no": "type"}, "unknown_type", "type"),
        ({"type": "session.update", "vad": {"threshold": 7}}, "bad_field", "vad.threshold"),
        ({"type": "playback.mark", "segment": -1, "played_ms": 1}, "bad_field", "segment"),
        (b"\x01\x02\x03", "odd_audio", "3 bytes"),
        (START, "already_started", "session.update"),
        (
            {"type": "session.update", "targets": [{"language": "ja"}], "source": {"language": "de"}},
            "unsupported_language",
            "Offered from de: ar, ca, cs, da, de, el, en, es, fi, fr, he",
        ),
        (
            {"type": "session.update", "targets": [{"language": "tlh"}]},
            "unsupported_language",
            "tlh",
        ),
    ],
)
def test_a_wrong_message_is_named_and_the_session_goes_on(
    simulated: Stack, message: Any, code: str, names: str
) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.say(START)
        await peer.hears("session.started")
        await peer.say(message)
        error = await peer.hears("error")
        assert error["code"] == code
        assert names in error["message"] + error["hint"]
        assert not error["fatal"]
        assert error["hint"]
        await works(peer)

    talk(simulated, conversation)


@pytest.mark.parametrize(
    "message", [b"\0\0", {"type": "segment.commit"}, {"type": "session.end"}, {"type": "playback.stop"}]
)
def test_what_comes_before_session_start_is_refused_and_a_start_still_works(
    simulated: Stack, message: Any
) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.say(message)
        assert "session.start" in (await peer.hears("error"))["hint"]
        await peer.say(START)
        await peer.hears("session.started")
        await works(peer)

    talk(simulated, conversation)


@pytest.mark.parametrize(
    ("changes", "code", "names"),
    [
        ({"source": {"language": "xx"}}, "unsupported_language", "xx"),
        (
            {"source": {"language": "ja"}},
            "unsupported_language",
            "sources: ar, ca, cs, da, de, el, en, es, fi, fr, he",
        ),
        (
            {"targets": [{"language": "ja"}]},
            "unsupported_language",
            "from en: ar, ca, cs, da, de, el, en, es, fi, fr, he",
        ),
        ({"targets": []}, "bad_field", "targets"),
        ({"targets": [{"language": "es"}, {"language": "ES"}]}, "bad_field", "es"),
        ({"output": {"rate": 12345}}, "bad_field", "rate"),
        ({"vad": {"min_speech_ms": 5000, "max_segment_ms": 1000}}, "bad_setting", "5000"),
    ],
)
def test_a_start_that_cannot_be_served_is_explained_and_another_one_works(
    simulated: Stack, changes: dict[str, Any], code: str, names: str
) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.say(START | changes)
        error = await peer.hears("error")
        assert (error["code"], error["fatal"]) == (code, False)
        assert names in error["message"] + error["hint"]
        await peer.say(START)
        await peer.hears("session.started")
        await works(peer)

    talk(simulated, conversation)


@pytest.mark.parametrize(
    ("changes", "code", "close"),
    [
        ({"protocol": 2}, "protocol_version", 4426),
        ({"resume": {"session_id": "a", "token": "b", "last_seq": 1}}, "resume_expired", 4410),
    ],
)
def test_a_start_without_a_future_ends_the_connection_with_its_reason(
    simulated: Stack, changes: dict[str, Any], code: str, close: int
) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.say(START | changes)
        error = await peer.hears("error")
        assert (error["code"], error["fatal"], error["close_code"]) == (code, True, close)
        assert await peer.closed() == close

    talk(simulated, conversation)


def test_fields_without_effect_yet_are_pointed_out(simulated: Stack) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.say(START | {"role": "both", "barge_in": "stop", "features": ["smells"]})
        warned = [(await peer.hears("warning"))["message"].split()[0] for _ in range(2)]
        assert warned == ["role", "features"]
        await works(peer)

    talk(simulated, conversation)


def test_a_frame_over_the_limit_closes_with_1009(simulated: Stack) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.say(START)
        await peer.hears("session.started")
        await peer.say(bytes(1_048_578))
        assert await peer.closed() == 1009

    talk(simulated, conversation)


def test_a_page_of_another_site_is_refused(simulated: Stack) -> None:
    async def conversation(peer: Peer) -> None:
        assert (await peer.hears("error"))["code"] == "forbidden_origin"
        assert await peer.closed() == 4403

    talk(simulated, conversation, origin="https://elsewhere.example")


def test_the_gateways_own_page_is_welcome(simulated: Stack) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.say(START)
        await peer.hears("session.started")

    talk(simulated, conversation, origin=f"http://127.0.0.1:{simulated.port}")


def test_pings_are_answered_before_and_in_a_session(simulated: Stack) -> None:
    async def conversation(peer: Peer) -> None:
        await peer.say({"type": "ping"})
        await peer.hears("pong")
        await peer.say(START)
        await peer.say({"type": "ping"})
        await peer.hears("pong")

    talk(simulated, conversation)


def sounds() -> dict[str, bytes]:
    chance = np.random.default_rng(7)
    times = np.arange(3 * 16_000) / 16_000
    chord = sum(np.sin(2 * np.pi * hertz * times) for hertz in (220, 277.2, 329.6, 440))
    raw = {
        "silence": np.zeros(len(times)),
        "noise": chance.normal(0, 0.1, len(times)),
        "music": 0.2 * chord * (1 + np.sin(2 * np.pi * 2 * times)) / 2,
        "click": np.where(np.arange(len(times)) == 8_000, 0.9, 0.0),
    }
    return {name: (wave * 32_767).clip(-32_768, 32_767).astype("<i2").tobytes() for name, wave in raw.items()}


@pytest.mark.parametrize("name", ["silence", "noise", "music", "click"])
def test_what_is_no_speech_is_said_to_be_none(simulated: Stack, name: str) -> None:
    result = asyncio.run(translate(simulated.url, [sounds()[name]], "en", ["es"]))

    assert result.segments == {}
    assert [notice.code for notice in result.notices] == ["no_speech"]


def test_nothing_at_all_is_said_to_be_no_speech(simulated: Stack) -> None:
    result = asyncio.run(translate(simulated.url, [], "en", ["es"]))

    assert [notice.code for notice in result.notices] == ["no_speech"]


def left_of(stack: Stack, *sessions: str) -> list[bytes]:
    """What Redis keeps of these sessions, the marks apart that their work was taken."""
    kinds = ("session", "live", "journal", "audio")
    with redis.Redis.from_url(stack.redis.url) as client:
        found: list[Any] = [client.keys(f"{kind}:{session}*") for session in sessions for kind in kinds]
        return [key for keys in found for key in keys]


def test_a_client_that_vanishes_mid_word_leaves_nothing_and_nobody_notices(
    simulated: Stack, with_gateway: Callable[..., Stack]
) -> None:
    running = with_gateway(simulated, RESUME_WINDOW_S="1")
    sessions: list[str] = []

    async def both() -> None:
        staying = asyncio.create_task(translate(running.url, [speech()], "en", ["es"], realtime=True))
        url = f"ws://127.0.0.1:{running.port}/v1/stream"
        for _ in range(3):
            socket = await connect(url)
            await socket.send(json.dumps(START))
            sessions.append((await Peer(socket).hears("session.started"))["session_id"])
            await socket.send(speech() * 2)
            await asyncio.sleep(0.2)  # the engines take 0.26 s for the first of two sentences
            socket.transport.abort()
        result = await staying
        assert [segment.failures for segment in result.segments.values()] == [[]]
        assert all(segment.translations["es"].audio_ms for segment in result.segments.values())

    asyncio.run(both())
    assert len(sessions) == 3
    wait_until(lambda: left_of(simulated, *sessions) == [], 5, "all is gone, the window being over")


def test_one_connection_too_many_is_told_when_to_come_back(
    simulated: Stack, with_gateway: Callable[..., Stack]
) -> None:
    running = with_gateway(simulated, WS_MAX_CONNECTIONS="1")

    async def second(first: Peer) -> None:
        await first.say(START)
        await first.hears("session.started")
        async with connect(f"ws://127.0.0.1:{running.port}/v1/stream") as socket:
            error = await Peer(socket).hears("error")
            assert (error["code"], error["retryable"]) == ("overloaded", True)
            assert error["retry_after_ms"] > 0
            assert await Peer(socket).closed() == 1013
        await works(first)

    talk(running, second)
    # The place is free a moment after the farewell.
    wait_until(lambda: talk(running, is_served), 5, "another one is served")


async def is_served(peer: Peer) -> bool:
    try:
        await works_from_start(peer)
    except ConnectionClosed as closed:
        assert closed.rcvd is not None and closed.rcvd.code == 1013
        return False
    return True


async def works_from_start(peer: Peer) -> None:
    await peer.say(START)
    await peer.hears("session.started")
    await works(peer)


def test_a_gateway_without_workers_or_redis_says_so_and_serves_once_they_come(
    stack: Callable[..., Stack],
) -> None:
    running = stack(**SIMULATED)
    running.redis.kill()
    running.gateway()
    wait_until(lambda: answers(running), 20, "the gateway answers")

    with pytest.raises(GatewayError) as no_redis:
        asyncio.run(translate(running.url, [speech()], "en", ["es"]))
    assert (no_redis.value.code, no_redis.value.close_code) == ("redis_unavailable", 1013)

    running.redis.start()
    with pytest.raises(GatewayError) as no_worker:
        asyncio.run(translate(running.url, [speech()], "en", ["es"]))
    assert (no_worker.value.code, no_worker.value.close_code) == ("no_worker", 4503)
    assert "speechbridge up" in no_worker.value.hint

    for name in ("stt-cpu0", "translation-cpu0", "tts-cpu0"):
        running.start("worker", name)
    wait_until(running.ready, 30, "the gateway is ready")
    assert asyncio.run(translate(running.url, [speech()], "en", ["es"])).segments[0].text


def answers(stack: Stack) -> bool:
    return status(stack.port, "/healthz") == 200


def test_a_stopping_gateway_sends_its_clients_elsewhere(
    simulated: Stack, with_gateway: Callable[..., Stack]
) -> None:
    running = with_gateway(simulated)
    gateway = running.started[-1]

    async def conversation(peer: Peer) -> dict[str, Any]:
        await peer.say(START)
        started = await peer.hears("session.started")
        os.kill(gateway.pid, signal.SIGTERM)
        error = await peer.hears("error")
        assert (error["code"], error["close_code"]) == ("draining", 1001)
        assert await peer.closed() == 1001
        return {"session_id": started["session_id"], "token": started["resume_token"], "last_seq": 1}

    async def elsewhere(peer: Peer) -> None:
        await peer.say(START | {"resume": resume})
        assert (await peer.hears("session.started"))["resumed"]
        await works(peer)

    resume = talk(running, conversation)
    since = time.monotonic()
    assert gateway.wait(timeout=10) == 0
    assert time.monotonic() - since < 5
    talk(simulated, elsewhere)
    wait_until(lambda: left_of(simulated, resume["session_id"]) == [], 5, "neither gateway keeps anything")


def test_a_client_that_falls_silent_is_closed_as_idle(
    simulated: Stack, with_gateway: Callable[..., Stack]
) -> None:
    running = with_gateway(simulated, SESSION_IDLE_SECONDS="0.5")

    async def conversation(peer: Peer) -> None:
        await peer.say(START)
        await peer.hears("session.started")
        assert (await peer.hears("error"))["code"] == "idle"
        assert await peer.closed() == 4408

    talk(running, conversation)
