"""A session outlives its connections: nothing of it is lost or doubled, in either direction."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from bridge.client import Client, Result, Wish, translate, translate_recording
from bridge.errors import GatewayError
from bridge.protocol import client_messages, server_messages, wire
from tests.proxy import Proxy

Gateway = Callable[..., str]
Script = Callable[[Any], None]


class Server:
    """Scripts for the connections of one session, in their order; `starts` is what each was opened with."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = scripts
        self.starts: list[dict[str, Any]] = []

    def __call__(self, peer: Any) -> None:
        self.starts.append(peer.start)
        self.scripts[len(self.starts) - 1](peer)


def opens(peer: Any, window: float = 60, **fields: Any) -> None:
    peer.open(**{"resume_token": "first", "resume_window_s": window, "samples": 0} | fields)


def goes_on(peer: Any, token: str = "second", samples: int = 0, seq: int = 0) -> None:
    """Takes the session up; what is said next has the number behind `seq`."""
    opens(peer, resume_token=token, resumed=True, samples=samples)
    peer.seq = seq


def numbered(samples: int) -> bytes:
    return b"".join((place % 2**16).to_bytes(2, "little") for place in range(samples))


def hear(peer: Any, samples: int) -> bytes:
    """So much audio, whatever else is said between."""
    heard = bytearray()
    while len(heard) < 2 * samples:
        frame = peer.connection.recv()
        heard += frame if isinstance(frame, bytes) else b""
    return bytes(heard)


def refuses(code: str, close: int, **fields: Any) -> Script:
    def script(peer: Any) -> None:
        peer.say("error", code=code, message=f"It is {code}.", fatal=True, close_code=close, **fields)
        peer.connection.close(close)

    return script


def leaves(peer: Any) -> None:
    """Opens a session that is dropped at once."""
    opens(peer)
    peer.vanish()


def ends(peer: Any) -> None:
    """Goes on to the end."""
    goes_on(peer, seq=1)
    peer.hear()
    peer.end()


def run(url: str, audio: bytes = bytes(640), **options: Any) -> Result:
    return asyncio.run(translate(url, [audio], "en", ["es", "ca"], **options))


def failure(url: str, **options: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        run(url, **options)
    return caught.value


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


def test_sender_waits_while_too_much_could_be_lost(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("bridge.client.spool"), "KEPT_BYTES", 6400)
    audio = numbered(16_000)
    held = []

    def slow(peer: Any) -> None:
        opens(peer)
        heard = 0
        while heard < 16_000:
            heard += len(hear(peer, 1)) // 2
            held.append(heard)
            if heard % 3200 == 0:
                peer.say("audio.ack", samples=heard)
        peer.hear()
        peer.end()

    async def blocks() -> Any:
        for at in range(0, len(audio), 640):
            yield audio[at : at + 640]

    asyncio.run(translate(gateway(Server(slow)), blocks(), "en", ["es"], realtime=False))
    assert held[-1] == 16_000


def test_sender_does_not_wait_for_ever_for_a_server_that_gives_no_receipts(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("bridge.client.spool"), "KEPT_BYTES", 6400)
    monkeypatch.setattr(import_module("bridge.client.connection"), "RECEIPT_SECONDS", 0.02)
    heard = []

    def silent(peer: Any) -> None:
        opens(peer)
        heard.append(peer.hear())
        peer.end()

    run(gateway(Server(silent)), numbered(16_000))
    assert heard == [numbered(16_000)]


def test_server_that_fell_silent_is_left_and_the_session_goes_on(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No reset and no close: a network that is gone looks like a server that has nothing to say."""
    monkeypatch.setattr(import_module("bridge.client.connection"), "QUIET_SECONDS", 0.05)

    def opened(peer: Any) -> None:
        opens(peer)
        peer.say("speech.started", segment=0)
        peer.hear()

    async def listen(url: str) -> list[Any]:
        async with Proxy(url) as network, Client(network.url, "en", ["es"]) as client:
            messages = aiter(client)
            heard = [await anext(messages)]
            network.silent = True
            await client.end()
            async with asyncio.timeout(5):
                return heard + [message async for message in messages]

    heard = asyncio.run(listen(gateway(Server(opened, ends))))
    assert [message.type for message in heard] == ["speech.started", "session.ended"]


def test_server_that_has_nothing_to_say_is_not_left(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("bridge.client.connection"), "QUIET_SECONDS", 0.3)

    def thinks(peer: Any) -> None:
        opens(peer)
        peer.hear()
        time.sleep(1.2)
        peer.end()

    server = Server(thinks)
    run(gateway(server))
    assert len(server.starts) == 1


class Memory:
    """A server that remembers over connections what it heard, and says a frame for every 300 samples."""

    SAMPLES = 9_000

    def __init__(self) -> None:
        self.heard = bytearray()
        self.ended = False

    def __call__(self, peer: Any) -> None:
        with suppress(ConnectionClosed):
            self._lead(peer)

    def _lead(self, peer: Any) -> None:
        resume = peer.start.get("resume")
        last = resume["last_seq"] if resume else 1
        opens(peer, resumed=resume is not None, samples=len(self.heard) // 2)
        for at in range(1, self.SAMPLES // 300 + 1):
            self._listen(peer, 600 * at)
            peer.say("audio.ack", samples=len(self.heard) // 2)
            if at + 1 > last:
                frame = wire.pack_audio(seq=at + 1, segment=0, target=0, offset=at, pcm=bytes(700))
                peer.connection.send(frame)
        self._listen(peer, 2**30)
        peer.end()

    def _listen(self, peer: Any, until: int) -> None:
        while len(self.heard) < until and not self.ended:
            frame = peer.connection.recv()
            self.ended = isinstance(frame, str)
            self.heard += frame if isinstance(frame, bytes) else b""


async def said_over(network: Proxy, audio: bytes) -> list[int]:
    """Says audio in frames of 20 ms, and gives the numbers of the frames that came."""

    async def say(client: Client) -> None:
        for at in range(0, len(audio), 640):
            await client.send_audio(audio[at : at + 640])
            await asyncio.sleep(0)
        await client.end()

    async with Client(network.url, "en", ["es"]) as client, asyncio.TaskGroup() as group:
        group.create_task(say(client))
        return [message.seq async for message in client if isinstance(message, wire.AudioFrame)]


def test_connections_torn_at_any_byte_lose_and_double_nothing(gateway: Gateway) -> None:
    """Each connection is torn when a little more of the server's bytes went through than on the last."""
    memory, audio = Memory(), numbered(Memory.SAMPLES)
    cuts = [700, 900, 1_100, 1_700, 2_500, 4_000, 6_000]

    async def speak(url: str) -> list[int]:
        async with Proxy(url) as network:
            network.tear_when = lambda passed: bool(cuts) and passed > cuts[0] and bool(cuts.pop(0))
            return await said_over(network, audio)

    assert asyncio.run(speak(gateway(memory))) == list(range(2, 32))
    assert memory.heard == audio
    assert len(cuts) < 4, "the network was hardly torn"


def test_recording_goes_on_in_a_new_session_where_the_old_one_is_kept_no_more(gateway: Gateway) -> None:
    def again(peer: Any) -> None:
        opens(peer)
        peer.hear()
        peer.two_segments()
        peer.end()

    server = Server(leaves, refuses("resume_expired", 4410), again)
    wish = Wish(gateway(server), "en", ["es", "ca"])
    lost: list[str] = []
    result = asyncio.run(
        translate_recording(
            wish, [bytes(64_000)], pauses=(0.0,) * 3, on_lost=lambda error, _: lost.append(error.code)
        )
    )
    assert lost == ["resume_expired"]
    assert [segment.text for segment in result.segments.values()] == ["good morning", "come in"]
    assert "resume" not in server.starts[2]


def test_receipts_are_not_given_to_who_iterates(gateway: Gateway) -> None:
    def acknowledge(peer: Any) -> None:
        opens(peer)
        peer.hear()
        peer.say("audio.ack", samples=0)
        peer.end()

    async def listen(url: str) -> list[Any]:
        async with Client(url, "en", ["es"]) as client:
            await client.end()
            return [message async for message in client]

    heard = asyncio.run(listen(gateway(Server(acknowledge))))
    assert [type(message) for message in heard] == [server_messages.SessionEnded]
