"""Frames between client and peer on a real server: compression as bytes, order, rate, who is read when."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from gateway.protocols.native.deflate import TextDeflate
from gateway.protocols.native.transport import (
    EXTENSION,
    FREE_BYTES,
    SLICE,
    TURN,
    Allowance,
    Transport,
    allowing,
)
from tests.stack import free_port, wait_until

TEXT = '{"type":"translation.final","segment":1,"target":"es","text":"hola"}' * 8
SPEECH = b"\x01\x00" * 1_000


class Echo:
    """A peer that gives back what it takes, and notes what else it is told."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.flooded = 0
        self.over = asyncio.Event()

    def take(self, frame: str | bytes) -> None:
        self.transport.send_frame(frame)

    def flood(self) -> None:
        self.flooded += 1
        self.over.set()

    def writable(self) -> None:
        """Nothing waits here."""

    def gone(self, code: int | None) -> None:
        self.over.set()


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    transport = websocket.scope["extensions"][EXTENSION]
    transport.log = transport.log.bind(session="alice")
    await asyncio.sleep(float(websocket.query_params.get("late", 0)))
    peer = Echo(transport)
    transport.attach(peer)
    if seconds := float(websocket.query_params.get("hold", 0)):
        transport.hold(True)
        await asyncio.sleep(seconds)
        if websocket.query_params.get("close"):
            await websocket.close(1001)
            return
        transport.hold(False)
    await peer.over.wait()
    if peer.flooded:
        transport.send_frame("flood")
        await websocket.close(4429)


@contextmanager
def serving(compression: bool, rate: int = 400, burst: int = 2_000, **options: Any) -> Iterator[str]:
    """A server like the gateway's, in a thread."""
    port = free_port()
    config = uvicorn.Config(
        Starlette(routes=[WebSocketRoute("/", echo)]),
        port=port,
        ws=allowing(rate, burst),
        ws_per_message_deflate=compression,
        log_config=None,
        **options,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        wait_until(lambda: server.started, 10, "the server listens")
        yield f"ws://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def tap(connection: ClientConnection) -> bytearray:
    """All bytes that the server sends from now on."""
    seen = bytearray()
    receive = connection.protocol.receive_data

    def receive_data(data: bytes | bytearray) -> None:
        seen.extend(data)
        receive(bytes(data))

    connection.protocol.receive_data = receive_data  # type: ignore[method-assign]
    return seen


def echoed(connection: ClientConnection, message: str | bytes) -> str | bytes:
    connection.send(message)
    return connection.recv(timeout=5)


RSV1 = 0x40


def test_text_is_compressed_on_the_wire_and_speech_is_not() -> None:
    with serving(True) as url, connect(url) as connection:
        seen = tap(connection)
        assert echoed(connection, TEXT) == TEXT
        assert seen[0] == 0x80 | RSV1 | Opcode.TEXT
        assert len(seen) < len(TEXT) / 4
        seen.clear()
        assert echoed(connection, SPEECH) == SPEECH
        assert seen[0] == 0x80 | Opcode.BINARY
        assert bytes(seen).endswith(SPEECH)


def test_text_and_speech_may_come_in_any_order() -> None:
    with serving(True) as url, connect(url) as connection:
        for message in (SPEECH, TEXT, SPEECH, SPEECH, TEXT, TEXT, "", b"", TEXT):
            assert echoed(connection, message) == message


def test_repeated_text_costs_next_to_nothing() -> None:
    with serving(True) as url, connect(url) as connection:
        echoed(connection, TEXT)
        echoed(connection, SPEECH)
        seen = tap(connection)
        echoed(connection, TEXT)
        assert len(seen) < 40


@pytest.mark.parametrize("compression", [True, False])
def test_the_extension_is_agreed_on_only_where_it_is_switched_on(compression: bool) -> None:
    with serving(compression) as url, connect(url) as connection:
        assert connection.response is not None
        agreed = connection.response.headers.get("Sec-WebSocket-Extensions", "")
        assert agreed.startswith("permessage-deflate") is compression
        seen = tap(connection)
        assert echoed(connection, TEXT) == TEXT
        assert bool(seen[0] & RSV1) is compression


def test_a_client_that_does_not_offer_it_is_served_without() -> None:
    with serving(True) as url, connect(url, compression=None) as connection:
        seen = tap(connection)
        assert echoed(connection, TEXT) == TEXT
        assert echoed(connection, SPEECH) == SPEECH
        assert not seen[0] & RSV1


@pytest.mark.parametrize(
    "offer",
    [
        ClientPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True),
        ClientPerMessageDeflateFactory(server_max_window_bits=9, client_max_window_bits=9),
        ClientPerMessageDeflateFactory(client_max_window_bits=True),
    ],
)
def test_the_parameters_of_the_client_are_obeyed(offer: ClientPerMessageDeflateFactory) -> None:
    with serving(True) as url, connect(url, compression=None, extensions=[offer]) as connection:
        for message in (TEXT, SPEECH, TEXT, SPEECH):
            assert echoed(connection, message) == message


def test_windows_are_small() -> None:
    with serving(True) as url, connect(url) as connection:
        assert connection.response is not None
        agreed = connection.response.headers["Sec-WebSocket-Extensions"]
        assert "server_max_window_bits=12" in agreed and "client_max_window_bits=12" in agreed


def test_a_ping_between_the_parts_of_speech_does_not_start_compression() -> None:
    extension = TextDeflate(False, False, 12, 12)
    parts = [
        Frame(Opcode.BINARY, SPEECH, fin=False),
        Frame(Opcode.PING, b"there?"),
        Frame(Opcode.CONT, SPEECH),
    ]

    assert [extension.encode(part) for part in parts] == parts


# --- how many messages a connection may send ---


def test_an_allowance_is_a_burst_and_then_a_rate() -> None:
    allowance = Allowance(rate=10, burst=5)

    assert [allowance.spend(1, 100.0) for _ in range(6)] == [True] * 5 + [False]


def test_what_was_spent_comes_back_with_time_up_to_the_burst() -> None:
    allowance = Allowance(rate=8, burst=5)
    assert allowance.spend(5, 100.0)

    assert allowance.spend(1, 100.125)
    assert not allowance.spend(1, 100.125)
    other = Allowance(rate=8, burst=5)
    assert other.spend(5, 100.0)
    assert [other.spend(1, 1_000.0) for _ in range(6)] == [True] * 5 + [False]


def test_a_part_of_a_message_costs_a_part() -> None:
    allowance = Allowance(rate=1, burst=1)

    assert [allowance.spend(0.25, 100.0) for _ in range(5)] == [True] * 4 + [False]


def test_a_message_too_many_is_told_once_and_nothing_after_it_is_taken() -> None:
    with serving(False, rate=0, burst=5) as url, connect(url) as connection:
        for number in range(5):
            assert echoed(connection, str(number)) == str(number)
        with suppress(ConnectionClosed):  # the close may come before all is sent
            for _ in range(50):
                connection.send("too much")
        assert connection.recv(timeout=5) == "flood"
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=5)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 4429


def test_audio_of_20_ms_costs_nothing_and_of_10_ms_a_half() -> None:
    with serving(False, rate=0, burst=5) as url:
        with connect(url) as connection:
            for _ in range(100):
                assert echoed(connection, bytes(FREE_BYTES)) == bytes(FREE_BYTES)
        with connect(url) as connection:
            half = bytes(FREE_BYTES // 2)
            assert [echoed(connection, half) for _ in range(10)] == [half] * 10
            with suppress(ConnectionClosed):  # the close may come before all is sent
                for _ in range(20):
                    connection.send(half)
            heard = [connection.recv(timeout=5)]
            while heard[-1] == half:
                heard.append(connection.recv(timeout=5))
            assert heard[-1] == "flood"


def test_a_flood_before_anybody_listens_ends_the_connection() -> None:
    with (
        serving(False, rate=0, burst=5) as url,
        connect(url + "/?late=0.3") as connection,
        pytest.raises((ConnectionClosed, OSError)),
    ):
        for _ in range(200):
            connection.send("x")
            connection.ping()
        while True:
            connection.recv(timeout=5)


# --- who is read when ---


def test_frames_that_come_before_anybody_listens_are_not_lost() -> None:
    messages: list[str | bytes] = ["one", SPEECH, TEXT, b"two", bytes(300_000), "three"]
    with serving(True) as url, connect(url + "/?late=0.3") as connection:
        for message in messages:
            connection.send(message)
        assert [connection.recv(timeout=5) for _ in messages] == messages


def test_large_and_small_frames_keep_their_order_across_turns() -> None:
    messages = [bytes([number % 256]) * (TURN // 3 if number % 7 == 0 else 100) for number in range(60)]
    with serving(False, burst=100_000) as url, connect(url) as connection:
        sender = threading.Thread(target=lambda: list(map(connection.send, messages)))
        sender.start()
        heard = [connection.recv(timeout=5) for _ in messages]
        sender.join()
    assert heard == messages


@pytest.mark.parametrize("seed", range(3))
def test_frames_are_the_same_however_the_network_divides_them(seed: int) -> None:
    draw = random.Random(seed)
    messages = [draw.randbytes(draw.choice([640, 640, 640, 1_280, 100, 3_000])) for _ in range(80)]
    raw = b"".join(Frame(Opcode.BINARY, each).serialize(mask=True) for each in messages)
    with serving(False, burst=100_000) as url, connect(url) as connection:
        while raw:
            size = draw.choice([1, 7, 648, 648, 1_296, 2_000, 9_000])
            connection.socket.sendall(raw[:size])
            raw = raw[size:]
        assert [connection.recv(timeout=5) for _ in messages] == messages


def test_a_message_in_fragments_is_whole_and_control_comes_between() -> None:
    with serving(True) as url, connect(url) as connection:
        connection.send(iter(["a" * SLICE, "b" * SLICE, "c"]))
        pong = connection.ping()
        assert connection.recv(timeout=5) == "a" * SLICE + "b" * SLICE + "c"
        assert pong.wait(5)


def test_who_is_held_is_not_read_and_loses_nothing() -> None:
    with serving(False) as url, connect(url + "/?hold=0.5", ping_interval=None) as connection:
        for number in range(20):
            connection.send(bytes([number]) * 30_000)
        with pytest.raises(TimeoutError):
            connection.recv(timeout=0.2)
        heard = [connection.recv(timeout=5) for _ in range(20)]
    assert heard == [bytes([number]) * 30_000 for number in range(20)]


def test_who_is_held_is_not_dropped_for_a_pong_that_nobody_read() -> None:
    with (
        serving(False, ws_ping_interval=0.1, ws_ping_timeout=0.1) as url,
        connect(url + "/?hold=0.6", ping_interval=None) as connection,
    ):
        connection.send("here")
        assert connection.recv(timeout=5) == "here"
        for _ in range(4):
            assert echoed(connection, "still") == "still"
            threading.Event().wait(0.1)


def test_who_answers_no_ping_is_cut_and_the_log_tells_it() -> None:
    asked = (
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    with serving(False, ws_ping_interval=0.1, ws_ping_timeout=0.1) as url, capture_logs() as logs:
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), timeout=5) as silent:
            silent.sendall(asked)
            answer = b""
            while piece := silent.recv(4_096):
                answer += piece
    assert b"keepalive ping timeout" in answer
    [cut] = [entry for entry in logs if entry["event"].startswith("connection cut")]
    assert (cut["code"], cut["session"]) == (1011, "alice")


def test_who_is_held_can_be_sent_away() -> None:
    """What he sent meanwhile is looked through for his answer, and not kept."""
    with serving(False) as url, connect(url + "/?hold=0.2&close=1", ping_interval=None) as connection:
        since = time.monotonic()
        sender = threading.Thread(target=flooding, args=(connection,))
        sender.start()
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=15)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1001
        assert time.monotonic() - since < 5
        sender.join()


def flooding(connection: ClientConnection) -> None:
    with suppress(ConnectionClosed, OSError):
        for _ in range(400):
            connection.send(bytes(50_000))


def test_a_client_that_leaves_is_noticed() -> None:
    """Else the server would not stop: it waits for its connections."""
    with serving(False) as url, connect(url) as connection:
        assert echoed(connection, "x") == "x"
        connection.socket.shutdown(2)


def test_text_that_is_no_text_ends_the_connection() -> None:
    with serving(False) as url, connect(url) as connection:
        connection.send(b"\xff\xfe", text=True)
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=5)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1007
