"""A session over lost connections: what it keeps, how long it waits, and networks torn anywhere."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from importlib import import_module
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from bridge.client import Client, Wish, translate, translate_recording
from bridge.protocol import server_messages, wire
from tests.bridge.client.torn import (
    Gateway,
    Server,
    ends,
    hear,
    leaves,
    numbered,
    opens,
    refuses,
    run,
)
from tests.proxy import Proxy


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
