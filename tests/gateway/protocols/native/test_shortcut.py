"""The short way takes whole frames of audio and changes nothing of what a client is taken to say."""

from __future__ import annotations

import random

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import Protocol
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from gateway.protocols.native import shortcut

LEAST = 640


def frame(data: bytes, opcode: Opcode = Opcode.BINARY, *, fin: bool = True, mask: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=mask)


def connection(max_size: int | None = 4_000) -> Protocol:
    """A server's side after the handshake."""
    client, server = ClientProtocol(parse_uri("ws://there/")), ServerProtocol(max_size=max_size)
    client.send_request(client.connect())
    server.receive_data(b"".join(client.data_to_send()))
    (request,) = server.events_received()
    assert isinstance(request, Request)
    server.send_response(server.accept(request))
    server.data_to_send()
    return server


def short(*before: bytes, data: bytes, max_size: int | None = 4_000) -> bytes | None:
    """What the short way makes of `data` after the parser was given what came before."""
    made = connection(max_size)
    for each in before:
        made.receive_data(each)
    return shortcut.audio(data, made, LEAST)


@pytest.mark.parametrize("size", [LEAST, 641, 1_280, 4_000])
def test_a_whole_frame_of_audio_goes_the_short_way(size: int) -> None:
    pcm = random.Random(size).randbytes(size)
    assert short(data=frame(pcm)) == pcm
    assert short(frame(b"x"), frame(b"{}", Opcode.TEXT), frame(b"", Opcode.PING), data=frame(pcm)) == pcm


PCM = bytes(range(256)) * 4


def test_what_follows_the_frame_is_no_part_of_it() -> None:
    assert short(data=frame(PCM) + frame(b"other")) == PCM


LONG = {
    "smaller than audio that costs nothing": frame(PCM[: LEAST - 1]),
    "a byte less": frame(PCM)[:-1],
    "text": frame(b"x" * 700, Opcode.TEXT),
    "the first part of a message": frame(PCM, fin=False),
    "a later part of one": frame(PCM, Opcode.CONT),
    "not masked": frame(PCM, mask=False),
    "reserved bit": bytes([0xC2]) + frame(PCM)[1:],
    "larger than a message may be": frame(bytes(4_001)),
    "longest kind of length": frame(bytes(70_000)),
}


@pytest.mark.parametrize("what", LONG)
def test_what_is_not_plainly_that_goes_the_long_way(what: str) -> None:
    assert short(data=LONG[what]) is None


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 8, 9, 700])
def test_bytes_that_look_like_a_frame_within_another_are_part_of_it(cut: int) -> None:
    inner = frame(PCM)
    outer = frame(PCM + inner)
    assert short(outer[:cut], data=inner) is None


def test_a_message_in_parts_is_not_overtaken() -> None:
    assert short(frame(PCM, fin=False), data=frame(PCM)) is None


def test_nothing_is_taken_of_who_closes_or_broke_the_protocol() -> None:
    assert short(frame(b"\x03\xe8", Opcode.CLOSE), data=frame(PCM)) is None
    assert short(b"\x83\x80\x00\x00\x00\x00", data=frame(PCM)) is None
