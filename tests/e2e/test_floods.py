"""Floods by one stranger who means harm: he is closed, and a speaker beside him notices nothing."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bridge.client import Client
from bridge.protocol import client_messages, server_messages
from tests.e2e.hostile import BINARY, CONT, PING, TEXT, Raw, frame
from tests.e2e.victim import GROWTH, START, Gateway, next_of, speaks
from tests.pace import patience
from tests.stack import Stack, free_port, status, wait_until

pytestmark = pytest.mark.e2e

FLOOR_MS = 300 * patience()
"""An attack that costs a speaker less than this is lost in the noise of a machine with two busy cores."""


@pytest.fixture(scope="module")
def stack(attacked: Stack) -> Stack:
    return attacked


def another(stack: Stack, **environment: str) -> Gateway:
    """A gateway with other bounds, on the same workers; it ends with the stack."""
    port = free_port()
    process = stack.start("gateway", "--port", str(port), **environment)
    wait_until(lambda: status(port, "/readyz") == 200, 30, "the other gateway is ready")
    return Gateway(stack, port, process.pid)


@pytest.fixture(scope="module")
def unbound(stack: Stack) -> Gateway:
    """One that allows as many messages as come."""
    made = another(stack, WS_RATE="1000000", WS_BURST="10000000")
    asyncio.run(speaks(made))
    return made


@pytest.fixture(scope="module")
def calm(gateway: Gateway) -> float:
    """How long the speaker waits where nobody attacks."""
    return asyncio.run(speaks(gateway))


def beside(gateway: Gateway, calm: float, attack: Callable[[], Any]) -> Any:
    """Attacks while somebody speaks; what the attack found, once nobody was harmed by it."""

    async def both() -> tuple[float, Any]:
        speaking = asyncio.create_task(speaks(gateway))
        await asyncio.sleep(0.5)
        found = await asyncio.to_thread(attack)
        return await speaking, found

    before = gateway.bytes
    waited, found = asyncio.run(both())
    assert gateway.bytes - before <= GROWTH
    assert waited <= max(1.5 * calm, calm + FLOOR_MS)
    return found


# --- what is too large, too much or never read ---


@pytest.mark.parametrize("compression", ["deflate", pytest.param(None, marks=pytest.mark.slow)])
def test_a_start_with_half_a_million_targets_is_too_large(
    gateway: Gateway, calm: float, compression: str | None
) -> None:
    async def start() -> tuple[dict[str, Any], int]:
        async with connect(f"ws://127.0.0.1:{gateway.port}/v1/stream", compression=compression) as peer:
            await peer.send(json.dumps(START | {"targets": [0] * 520_000}, separators=(",", ":")))
            error = json.loads(await peer.recv())
            with pytest.raises(ConnectionClosed) as closed:
                await peer.recv()
            assert closed.value.rcvd is not None
            return error, closed.value.rcvd.code

    error, code = beside(gateway, calm, lambda: asyncio.run(start()))
    assert (error["code"], error["fatal"], error["close_code"], code) == ("too_large", True, 1009, 1009)


def test_a_text_frame_has_its_own_bound(gateway: Gateway) -> None:
    peer = Raw(gateway.port)
    ping = json.dumps({"type": "ping", "x": ""})
    peer.socket.sendall(frame(TEXT, ping.replace('""', f'"{"x" * (16_384 - len(ping))}"').encode()))
    peer.socket.sendall(frame(TEXT, ping.replace('""', f'"{"x" * (16_385 - len(ping))}"').encode()))
    messages, code = peer.read(5)
    peer.close()
    assert [message.get("code", message["type"]) for message in messages] == ["pong", "too_large"]
    assert code == 1009


FLOODS = {
    "frames of one byte": frame(BINARY, b"\0") * 4_000,
    "pings": frame(PING, b"") * 4_000,
    "messages that are no JSON": frame(TEXT, b"{") * 4_000,
    "pings in JSON": frame(TEXT, b'{"type":"ping"}') * 4_000,
    "continuations without content": frame(TEXT, b"", fin=False) + frame(CONT, b"", fin=False) * 8_000,
}
BY_DEFAULT = ("frames of one byte", "messages that are no JSON")


@pytest.mark.parametrize(
    "name",
    [name if name in BY_DEFAULT else pytest.param(name, marks=pytest.mark.slow) for name in FLOODS],
)
def test_who_sends_too_many_messages_is_told_and_closed(gateway: Gateway, calm: float, name: str) -> None:
    def attack() -> tuple[list[dict[str, Any]], int | None]:
        peer = Raw(gateway.port)
        with ThreadPoolExecutor(1) as sender:
            sent = sender.submit(peer.flood, FLOODS[name], 2)
            found = peer.read(5)
            sent.result()
        peer.close()
        return found

    messages, code = beside(gateway, calm, attack)
    assert code == 4429
    error = messages[-1]
    assert (error["code"], error["fatal"], error["close_code"]) == ("rate", True, 4429)
    assert error["retry_after_ms"] > 0


def test_audio_in_frames_of_20_ms_is_never_too_much(gateway: Gateway) -> None:
    peer = Raw(gateway.port)
    peer.say(START)
    peer.socket.sendall(frame(BINARY, bytes(640)) * 5_000)  # more than WS_BURST; 100 s of sound, all judged
    peer.say({"type": "ping"})
    messages, code = peer.read(30, until="pong")
    peer.close()
    assert code is None
    kinds = {message["type"] for message in messages}
    assert "pong" in kinds and kinds <= {"session.started", "pong", "warning", "audio.ack"}


@pytest.mark.parametrize("message", [b"{", pytest.param(b'{"type":"ping"}', marks=pytest.mark.slow)])
def test_who_asks_and_never_reads_is_left(stack: Stack, unbound: Gateway, message: bytes) -> None:
    before, left = unbound.bytes, stack.output().count("never reads")
    peer = Raw(unbound.port, receive_buffer=4_096)
    since = time.monotonic()
    peer.flood(frame(TEXT, message) * 500, 20)
    assert time.monotonic() - since < 20
    peer.close()
    assert stack.output().count("never reads") == left + 1
    assert unbound.bytes - before <= GROWTH


def test_the_rate_is_what_the_variable_says(gateway: Gateway, unbound: Gateway) -> None:
    """WS_RATE and WS_BURST: what closes one gateway's connection is answered by another's."""

    def pongs(asked: Gateway) -> tuple[int, int | None]:
        peer = Raw(asked.port)
        peer.socket.sendall(frame(TEXT, b'{"type":"ping"}') * 4_000 + frame(TEXT, b"{"))
        messages: list[dict[str, Any]] = []
        code: int | None = None
        while code is None and not any(message.get("code") == "bad_json" for message in messages):
            more, code = peer.read(0.2)
            messages += more
        peer.close()
        return sum(message["type"] == "pong" for message in messages), code

    answered, code = pongs(gateway)
    assert code == 4429 and 1_500 < answered < 3_500
    assert pongs(unbound) == (4_000, None)


# --- HTTP ---


def half_sent(port: int) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", port), timeout=10)
    peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\nX-Slow")
    return peer


def ended(peer: socket.socket) -> float:
    """Waits until the server ends the connection; how long that took."""
    since = time.monotonic()
    peer.settimeout(10)
    try:
        while peer.recv(65_536):
            pass
    except ConnectionResetError:
        pass
    peer.close()
    return time.monotonic() - since


def test_requests_sent_by_half_are_closed_and_their_descriptors_come_back(
    gateway: Gateway, calm: float
) -> None:
    before = gateway.descriptors

    def attack() -> float:
        since = time.monotonic()
        peers = [half_sent(gateway.port) for _ in range(300)]
        for peer in peers:
            ended(peer)
        return time.monotonic() - since

    assert beside(gateway, calm, attack) < 5
    wait_until(lambda: gateway.descriptors <= before + 5, 5, "the descriptors are back")


def test_a_second_request_sent_by_half_is_closed_too(gateway: Gateway) -> None:
    peer = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
    for _ in range(2):
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            answer += peer.recv(65_536)
        assert b"200 OK" in answer
    peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: gate")
    assert 0.5 < ended(peer) < 3


def test_a_head_that_trickles_in_is_closed_all_the_same(gateway: Gateway) -> None:
    peer = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
    since = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() - since < 6:
            peer.sendall(b"G" if time.monotonic() - since < 0.1 else b"E")
            time.sleep(0.2)
    peer.close()
    assert time.monotonic() - since < 4


def test_a_session_lives_longer_than_the_head_of_a_request_may_take(gateway: Gateway) -> None:
    async def scenario() -> None:
        async with Client(gateway.url, "en", ["es"]) as client, asyncio.timeout(10):
            for _ in range(4):
                await asyncio.sleep(0.5)
                await client.send(client_messages.Ping())
                await next_of(client, server_messages.Pong)

    asyncio.run(scenario())


def test_a_flood_of_questions_by_http_delays_no_stop(gateway: Gateway) -> None:
    async def scenario() -> list[float]:
        limits = httpx.Limits(max_connections=40)
        async with (
            asyncio.timeout(30),
            httpx.AsyncClient(limits=limits, timeout=20) as http,
            Client(gateway.url, "en", ["es"]) as client,
        ):
            enough = asyncio.Event()
            asking = [asyncio.create_task(_asks(http, gateway.url, enough)) for _ in range(40)]
            acknowledged = []
            for _ in range(8):
                await asyncio.sleep(0.1)
                await client.send(client_messages.PlaybackStop())
                stopped = await next_of(client, server_messages.PlaybackStopped)
                acknowledged.append(stopped.latency_ms)
            enough.set()  # cancelled while they connect they would leave their sockets open
            await asyncio.gather(*asking, return_exceptions=True)
            return acknowledged

    acknowledged = sorted(asyncio.run(scenario()))
    assert acknowledged[len(acknowledged) // 2] < 100


async def _asks(http: httpx.AsyncClient, url: str, enough: asyncio.Event) -> None:
    while not enough.is_set():
        await http.get(f"{url}/readyz")
