"""The native protocol: every message and frame survives, and the documents tell the truth."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from bridge.errors import ProtocolError
from bridge.protocol import client_messages, server_messages, wire
from bridge.protocol.wire import Close
from bridge.settings import Settings
from tests.bridge.protocol.examples import CLIENT_TYPES, FROM_CLIENT, FROM_SERVER, SERVER_TYPES, START, start

REPOSITORY = Path(__file__).parents[3]
VECTORS = json.loads((REPOSITORY / "tests/data/wire_vectors.json").read_text("utf-8"))


def test_the_examples_hold_every_type_once() -> None:
    assert [example["type"] for example in FROM_CLIENT] == CLIENT_TYPES
    assert [example["type"] for example in FROM_SERVER] == SERVER_TYPES


@pytest.mark.parametrize("example", FROM_CLIENT, ids=CLIENT_TYPES)
def test_client_message_loses_nothing_in_a_round_trip(example: dict[str, Any]) -> None:
    message = wire.decode(json.dumps(example))
    assert json.loads(wire.encode(message)) == example
    assert wire.decode(wire.encode(message)) == message


@pytest.mark.parametrize("example", FROM_SERVER, ids=SERVER_TYPES)
def test_server_message_loses_nothing_in_a_round_trip(example: dict[str, Any]) -> None:
    stamped = {**example, "seq": 12, "t_ms": 345.5}
    message = wire.decode_server(json.dumps(stamped))
    assert message is not None
    assert json.loads(wire.encode(message)) == stamped
    assert wire.decode_server(wire.encode(message)) == message


def test_fields_without_a_value_are_left_out_of_the_frame() -> None:
    frame = json.loads(
        wire.encode(server_messages.SegmentDone(segment=0, timings_ms=server_messages.Timings(total=5)))
    )
    assert frame["timings_ms"] == {"total": 5}


def test_the_least_session_start_is_enough() -> None:
    least = {key: START[key] for key in ("type", "protocol", "source", "targets")}
    message = wire.decode(json.dumps(least))
    assert isinstance(message, client_messages.SessionStart)
    assert message.output.rate is None
    assert message.vad is None


def test_unknown_fields_of_a_newer_client_are_ignored() -> None:
    assert wire.decode('{"type": "ping", "colour": "red"}') == client_messages.Ping()
    message = wire.decode(start(output={"rate": 8000, "codec": "opus"}))
    assert isinstance(message, client_messages.SessionStart)
    assert message.output == client_messages.Output(rate=8000)


def test_unknown_type_of_a_newer_server_is_none_and_unknown_fields_are_ignored() -> None:
    assert wire.decode_server('{"type": "weather.changed", "seq": 1}') is None
    assert wire.decode_server('{"type": "pong", "mood": 1, "seq": 2, "t_ms": 3}') == server_messages.Pong(
        seq=2, t_ms=3
    )


def bounds(schema: dict[str, Any]) -> dict[str, Any]:
    """The limits of a number in a JSON schema, None left out of the choice."""
    number = next(part for part in schema.get("anyOf", [schema]) if part.get("type") != "null")
    return {key: value for key, value in number.items() if "imum" in key}


@pytest.mark.parametrize("name", client_messages.Vad.model_fields)
def test_clients_may_set_the_vad_as_far_as_the_environment_may(name: str) -> None:
    ours = client_messages.Vad.model_json_schema()["properties"][name]
    theirs = Settings.model_json_schema()["properties"][f"vad_{name}"]
    assert len(bounds(ours)) == 2
    assert bounds(ours) == bounds(theirs)


def packed(vector: dict[str, Any]) -> bytes:
    pcm = b"".join(sample.to_bytes(2, "little", signed=True) for sample in vector["samples"])
    return wire.pack_audio(**vector["fields"], pcm=pcm)


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda vector: vector["name"])
def test_audio_frame_is_packed_as_the_golden_vector(vector: dict[str, Any]) -> None:
    assert packed(vector).hex() == vector["hex"]


@pytest.mark.parametrize(
    "vector", VECTORS["frames"] + VECTORS["tolerated"], ids=lambda vector: vector["name"]
)
def test_audio_frame_is_unpacked_as_the_golden_vector(vector: dict[str, Any]) -> None:
    frame = wire.unpack_audio(bytes.fromhex(vector["hex"]))
    assert {name: getattr(frame, name) for name in vector["fields"]} == vector["fields"]
    pairs = [frame.pcm[at : at + 2] for at in range(0, len(frame.pcm), 2)]
    assert [int.from_bytes(pair, "little", signed=True) for pair in pairs] == vector["samples"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["name"])
def test_bad_audio_frame_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="audio frame") as caught:
        wire.unpack_audio(bytes.fromhex(vector["hex"]))
    assert caught.value.code == "bad_audio_frame"


def test_the_published_schema_is_that_of_the_models() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "bridge.protocol.wire"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    published = (REPOSITORY / "docs/protocol.schema.json").read_text("utf-8")
    assert published == printed.stdout, "run: python -m bridge.protocol.wire > docs/protocol.schema.json"


def test_the_schema_wants_a_type_of_all_and_a_number_of_server_messages() -> None:
    schema = wire.schema()
    for direction, carried in (("client", {"type"}), ("server", {"type", "seq", "t_ms"})):
        for reference in schema["properties"][direction]["discriminator"]["mapping"].values():
            assert carried <= set(schema["$defs"][reference.rpartition("/")[2]]["required"])


DOCUMENT = REPOSITORY / "docs/protocol.md"


def test_the_document_names_every_message_and_no_other() -> None:
    rows = re.findall(r"^\| ((?:`[a-z.]+` ?)+)\|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`([a-z]+(?:\.[a-z]+)?)`", row)]
    assert sorted(named) == sorted(CLIENT_TYPES + SERVER_TYPES)


def test_the_document_names_every_close_code_and_no_other() -> None:
    rows = re.findall(r"^\| (\d{4}) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert [int(row) for row in rows] == list(Close)


def test_the_document_names_every_field() -> None:
    text = DOCUMENT.read_text("utf-8")
    for message in (
        *get_args(get_args(client_messages.ClientMessage)[0]),
        *get_args(get_args(server_messages.ServerMessage)[0]),
    ):
        for name in message.model_fields:
            assert re.search(rf"\b{name}\b", text), f"{message.__name__}.{name}"


def test_the_document_names_every_error_code_of_the_gateway() -> None:
    rows = set(re.findall(r"^\| ([a-z_]+) \| `?(?:error|warning|segment)", DOCUMENT.read_text("utf-8"), re.M))
    sources = "".join(path.read_text("utf-8") for path in (REPOSITORY / "gateway").rglob("*.py"))
    used = set(
        re.findall(r'(?:\bcode=|complain\(\s*|\btuple\[str, str, str\]:\s+return\s+)"([a-z_]+)"', sources)
    )
    assert len(used) > 10
    assert used <= rows


def test_every_frame_in_the_example_session_is_what_the_models_take() -> None:
    example = re.search(r"```text\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert example
    frames = re.findall(r"^([→←]) (\{.*\})$", example[1], re.MULTILINE)
    assert len(frames) > 10
    for arrow, frame in frames:
        message = wire.decode(frame) if arrow == "→" else wire.decode_server(frame)
        assert message is not None
        assert json.loads(wire.encode(message)).items() >= json.loads(frame).items()


def test_a_message_that_cannot_be_made_does_not_repeat_in_its_error_what_was_said() -> None:
    with pytest.raises(ValidationError) as raised:
        server_messages.TranscriptFinal.model_validate({"segment": 0, "text": ["grandmother is ill"]})

    assert "text" in str(raised.value)
    assert "grandmother" not in str(raised.value) + repr(raised.value)
