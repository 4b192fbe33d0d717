"""The native protocol `bridge.v1` as bytes: frames in and out, without a socket.

Text frames hold one JSON object (client_messages, server_messages); binary frames hold audio behind a
header of 16 bytes. `python -m bridge.protocol.wire` prints docs/protocol.schema.json.
"""

from __future__ import annotations

import json
import struct
import sys
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bridge.errors import ProtocolError
from bridge.protocol.client_messages import ClientMessage
from bridge.protocol.server_messages import ServerMessage
from bridge.types import SAMPLE_BYTES

PROTOCOL = 1
SUBPROTOCOL = "bridge.v1"


class Close(IntEnum):
    """Why a connection ended, as WebSocket close codes."""

    DONE = 1000
    DRAIN = 1001
    TOO_BIG = 1009
    INTERNAL = 1011
    OVERLOADED = 1013
    BAD_MESSAGE = 4400
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    UNKNOWN_SESSION = 4404
    IDLE = 4408
    TAKEN_OVER = 4409
    RESUME_EXPIRED = 4410
    PROTOCOL_VERSION = 4426
    RATE = 4429
    NO_WORKER = 4503


_client: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)
_server: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage)


def decode(text: str) -> ClientMessage:
    """The client message in one text frame.

    Raises ProtocolError with code `bad_json`, `unknown_type`, `bad_field` or `protocol_version`;
    only the last has a `close_code`, since after the others the client may send something better.
    """
    try:
        return _client.validate_json(text, strict=True)
    except ValidationError as error:
        raise _refusal(error) from None


def decode_server(text: str) -> ServerMessage | None:
    """The server message in one text frame, None for a type of a newer server.

    Raises ProtocolError like `decode`.
    """
    try:
        return _server.validate_json(text, strict=True)
    except ValidationError as error:
        refusal = _refusal(error)
        if refusal.code == "unknown_type":
            return None
        raise refusal from None


def encode(message: ClientMessage | ServerMessage) -> str:
    """One text frame; fields without a value are left out."""
    return message.model_dump_json(exclude_none=True)


def _refusal(error: ValidationError) -> ProtocolError:
    failures = error.errors(include_url=False)
    first = failures[0]
    if first["type"] == "json_invalid":
        return ProtocolError(f"The text frame is no JSON: {first['msg']}.", _ONE_OBJECT, code="bad_json")
    if not first["loc"]:
        return _untyped(first["type"], first["input"], first.get("ctx", {}))
    kind = str(first["loc"][0])
    for failure in failures:
        if failure["loc"] == ("session.start", "protocol") and failure["type"] == "literal_error":
            return ProtocolError(
                f"Protocol {_shown(failure['input'])} is not spoken here.",
                f"Send session.start with protocol {PROTOCOL}, or use a client of this release.",
                code="protocol_version",
                close_code=Close.PROTOCOL_VERSION,
            )
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"][1:])
    hidden = not path or first["type"] == "missing" or "token" in path or "secret" in path
    value = "" if hidden else f" is {_shown(first['input'])}"
    expected = first["msg"].removeprefix("Value error, ")
    named = f"{path.lstrip('.')}{value}: " if path else ""
    return ProtocolError(
        f"{kind}: {named}{expected}.",
        "Correct the field and send the message again; docs/protocol.md lists what it may be.",
        code="bad_field",
    )


_ONE_OBJECT = 'Send one JSON object a frame, such as {"type": "ping"}.'


def _untyped(kind: str, given: object, context: dict[str, Any]) -> ProtocolError:
    if kind == "union_tag_not_found":
        return ProtocolError("The message has no type.", _ONE_OBJECT, code="unknown_type")
    if kind == "union_tag_invalid":
        if context["tag"] == "None":
            return ProtocolError("The type of the message is null.", _ONE_OBJECT, code="unknown_type")
        shown = _shown(context["tag"])
        known = context["expected_tags"].replace("'", "")
        return ProtocolError(f"Messages of type {shown} are unknown.", f"Use {known}.", code="unknown_type")
    return ProtocolError(f"The message is {_shown(given)}, no object.", _ONE_OBJECT, code="bad_json")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:60]}…"


HEADER = struct.Struct("<BBBBIII")
AUDIO_VERSION = 1
PCM16 = 1
LAST = 1


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """One binary frame to a client: PCM s16le mono, `offset` samples into the speech of the segment.

    `target` is the index that `audio.start` announced; `last` marks the end of the speech.
    """

    seq: int
    segment: int
    target: int
    offset: int
    pcm: bytes
    last: bool = False


def pack_audio(*, seq: int, segment: int, target: int, offset: int, pcm: bytes, last: bool = False) -> bytes:
    """The 16 bytes of the header, little-endian, and the PCM; AudioFrame says what each field is."""
    flags = LAST if last else 0
    return HEADER.pack(AUDIO_VERSION, PCM16, flags, target, seq, segment, offset) + pcm


def unpack_audio(data: bytes) -> AudioFrame:
    """The frame in one binary message. Raises ProtocolError `bad_audio_frame`."""
    if len(data) < HEADER.size:
        raise _bad_frame(f"has {len(data)} bytes, its header alone has {HEADER.size}")
    version, codec, flags, target, seq, segment, offset = HEADER.unpack_from(data)
    if (version, codec) != (AUDIO_VERSION, PCM16):
        raise _bad_frame(f"has version {version} and codec {codec}, known are 1 and 1")
    pcm = data[HEADER.size :]
    if len(pcm) % SAMPLE_BYTES:
        raise _bad_frame(f"ends within a sample: {len(pcm)} bytes of 16-bit audio")
    return AudioFrame(seq, segment, target, offset, pcm, bool(flags & LAST))


def _bad_frame(reason: str) -> ProtocolError:
    return ProtocolError(
        f"An audio frame {reason}.",
        "Use a client and a gateway of the same release.",
        code="bad_audio_frame",
    )


def schema() -> dict[str, Any]:
    """JSON Schema of both directions, under `client` and `server`."""
    (definitions, shared) = TypeAdapter.json_schemas(
        [("client", "validation", _client), ("server", "validation", _server)]
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SUBPROTOCOL,
        "properties": {name: definitions[name, "validation"] for name in ("client", "server")},
        **shared,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
