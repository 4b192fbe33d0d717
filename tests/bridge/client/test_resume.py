"""A session outlives its connections: nothing of it is lost or doubled, in either direction."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from bridge.client import Client
from bridge.errors import GatewayError
from bridge.protocol import client_messages
from tests.bridge.client.torn import (
    Gateway,
    Script,
    Server,
    ends,
    failure,
    goes_on,
    hear,
    leaves,
    numbered,
    opens,
    refuses,
    run,
)


def test_speech_cut_off_in_mid_word_is_joined_exactly(gateway: Gateway) -> None:
    """The second connection sends the last frame once more, as a server may that is not sure of it."""

    def cut(peer: Any) -> None:
        opens(peer)
        peer.hear()
        peer.transcribe(0, "good morning", 200, 1000)
        peer.say("translation.final", segment=0, target="es", text="buenos días")
        peer.say("audio.start", segment=0, target="es", index=0, rate=8000)
        peer.play(0, 0, 0, 400, 1)
        peer.play(0, 0, 400, 400, 2)
        peer.vanish()

    def rest(peer: Any) -> None:
        goes_on(peer, seq=7)
        peer.play(0, 0, 400, 400, 2)
        peer.play(0, 0, 800, 400, 3)
        peer.play(0, 0, 1200, 0, 0, last=True)
        peer.say("audio.end", segment=0, target="es", rate=8000, duration_ms=150)
        peer.done(0)
        peer.end()

    server = Server(cut, rest)
    result = run(gateway(server))
    spoken = result.segments[0].translations["es"]
    assert spoken.pcm == b"\1\0" * 400 + b"\2\0" * 400 + b"\3\0" * 400
    assert result.misplaced == 0
    assert server.starts[1].pop("resume") == {
        "session_id": "5f2c",
        "token": "first",
        "last_seq": 8,
        "samples": 0,
    }
    assert server.starts[1] == server.starts[0], "all else is said as at first"


def test_audio_is_said_again_from_the_sample_that_the_server_wants(gateway: Gateway) -> None:
    audio = numbered(40_000)
    heard = []

    def forgetful(peer: Any) -> None:
        opens(peer)
        heard.append(hear(peer, 20_000)[: 2 * 16_000])
        peer.say("audio.ack", samples=10_000)
        peer.say("audio.ack", samples=16_000)
        peer.vanish()

    def rest(peer: Any) -> None:
        assert peer.start["resume"]["samples"] <= 16_000
        goes_on(peer, samples=16_000, seq=1)
        heard.append(peer.hear())
        peer.end()

    run(gateway(Server(forgetful, rest)), audio)
    assert b"".join(heard) == audio


def test_tokens_are_used_once(gateway: Gateway) -> None:
    def third(peer: Any) -> None:
        goes_on(peer, token="third", seq=1)
        peer.hear()
        peer.end()

    def second(peer: Any) -> None:
        goes_on(peer)
        peer.say("speech.started", segment=0)
        peer.vanish()

    server = Server(leaves, second, third)
    run(gateway(server))
    assert [start["resume"]["token"] for start in server.starts[1:]] == ["first", "second"]


@pytest.mark.parametrize(
    "refusal",
    [
        refuses("draining", 1001, retryable=True, retry_after_ms=10),
        refuses("overloaded", 1013, retryable=True, retry_after_ms=10),
        refuses("no_worker", 4503, retryable=True),
        refuses("internal", 1011),
        lambda peer: peer.vanish(),
    ],
    ids=["draining", "overloaded", "no worker", "fault", "lost"],
)
def test_server_that_cannot_take_the_session_up_yet_is_asked_again(gateway: Gateway, refusal: Script) -> None:
    server = Server(leaves, refusal, ends)
    run(gateway(server))
    assert [start.get("resume", {}).get("token") for start in server.starts] == [None, "first", "first"]


def test_server_is_asked_again_when_it_said(gateway: Gateway) -> None:
    asked = []

    def busy(peer: Any) -> None:
        asked.append(time.monotonic())
        refuses("overloaded", 1013, retryable=True, retry_after_ms=400)(peer)

    def free(peer: Any) -> None:
        asked.append(time.monotonic())
        ends(peer)

    run(gateway(Server(leaves, busy, free)))
    assert asked[1] - asked[0] > 0.39


def test_session_goes_on_at_another_gateway_when_its_own_is_stopped(gateway: Gateway) -> None:
    def stops(peer: Any) -> None:
        opens(peer)
        refuses("draining", 1001, retryable=True, retry_after_ms=1)(peer)

    run(gateway(Server(stops, ends)))


@pytest.mark.parametrize(
    ("code", "close"), [("taken_over", 4409), ("idle", 4408), ("wrong_token", 4401), ("not_pcm", 4400)]
)
def test_session_that_is_lost_for_good_is_not_asked_for_again(
    gateway: Gateway, code: str, close: int
) -> None:
    def opened(peer: Any) -> None:
        opens(peer)
        refuses(code, close)(peer)

    server = Server(opened)
    error = failure(gateway(server))
    assert (error.code, error.close_code, len(server.starts)) == (code, close, 1)


def test_refusal_for_good_is_raised_in_the_words_of_the_server(gateway: Gateway) -> None:
    error = failure(gateway(Server(leaves, refuses("resume_expired", 4410))))
    assert (error.code, error.message) == ("resume_expired", "It is resume_expired.")
    assert error.retryable, "a new session may be begun"


def test_server_that_begins_another_session_instead_is_left(gateway: Gateway) -> None:
    error = failure(gateway(Server(leaves, lambda peer: opens(peer))))
    assert error.code == "resume_expired"


def test_attempt_that_takes_too_long_is_broken_off_and_does_not_end_the_session(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.client.connection.ATTEMPT_SECONDS", 0.1)
    closes: list[Any] = []

    def slow(peer: Any) -> None:
        with pytest.raises(ConnectionClosed) as closed:
            peer.connection.recv()
        closes.append(closed.value.rcvd)

    run(gateway(Server(leaves, slow, ends)))
    assert closes == [None]


def test_session_is_given_up_when_the_server_keeps_it_no_longer(gateway: Gateway) -> None:
    def brief(peer: Any) -> None:
        opens(peer, window=0.3)
        peer.vanish()

    vanish = (lambda peer: peer.vanish(),) * 20
    error = failure(gateway(Server(brief, *vanish)))
    assert (error.code, error.retryable) == ("connection_lost", True)


def test_who_wants_no_resume_hears_of_a_lost_connection(gateway: Gateway) -> None:
    server = Server(leaves)
    assert failure(gateway(server), resume=False).code == "connection_lost"
    assert len(server.starts) == 1


def test_losses_and_returns_are_told(gateway: Gateway) -> None:
    told: list[GatewayError | None] = []

    async def listen(url: str) -> None:
        async with Client(url, "en", ["es"], on_change=told.append) as client:
            await client.end()
            async for _ in client:
                pass

    asyncio.run(listen(gateway(Server(leaves, ends))))
    assert [error and error.code for error in told] == ["connection_lost", None]


def test_wish_said_while_there_is_no_connection_is_heard_by_the_next_one(gateway: Gateway) -> None:
    wishes = []

    def answers(peer: Any) -> None:
        goes_on(peer, seq=1)
        wishes.append(json.loads(peer.connection.recv())["type"])
        peer.say("pong")
        peer.hear()
        peer.end()

    async def ask(url: str) -> list[Any]:
        async with Client(url, "en", ["es"]) as client:
            await client._socket.wait_closed()
            await client.send(client_messages.Ping())
            await client.end()
            return [message async for message in client]

    heard = asyncio.run(ask(gateway(Server(leaves, answers))))
    assert wishes == ["ping"]
    assert [message.type for message in heard] == ["pong", "session.ended"]
