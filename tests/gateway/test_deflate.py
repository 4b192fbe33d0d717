"""Compression on the wire, looked at as bytes: text is deflated, speech is not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from gateway.deflate import TextDeflate, TextDeflateProtocol
from tests.stack import free_port, wait_until

TEXT = '{"type":"translation.final","segment":1,"target":"es","text":"hola"}' * 8
SPEECH = b"\x01\x00" * 1_000


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("bytes") is not None:
                await websocket.send_bytes(message["bytes"])
            else:
                await websocket.send_text(message["text"])
    except WebSocketDisconnect:
        return


@contextmanager
def serving(compression: bool) -> Iterator[str]:
    """A server like the gateway's, in a thread."""
    port = free_port()
    config = uvicorn.Config(
        Starlette(routes=[WebSocketRoute("/", echo)]),
        port=port,
        ws=TextDeflateProtocol,
        ws_per_message_deflate=compression,
        log_config=None,
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
