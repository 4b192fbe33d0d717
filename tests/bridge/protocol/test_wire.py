"""The native protocol: every message survives, every mistake is named, and the documents tell the truth."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocol import client_messages, server_messages, wire
from bridge.protocol.wire import Close
from bridge.settings import Settings

REPOSITORY = Path(__file__).parents[3]
VECTORS = json.loads((REPOSITORY / "tests/data/wire_vectors.json").read_text("utf-8"))
START: dict[str, Any] = {
    "type": "session.start",
    "protocol": 1,
    "source": {"language": "en"},
    "targets": [{"language": "es", "voice": "nina"}, {"language": "pt-BR"}],
    "output": {"rate": 16000},
    "room": "standup",
    "role": "speaker",
    "vad": {
        "threshold": 0.5,
        "aggressiveness": 2,
        "min_speech_ms": 250,
        "min_silence_ms": 500,
        "padding_ms": 300,
        "max_segment_ms": 15000,
    },
    "barge_in": "pause",
    "features": ["partials"],
    "resume": {"session_id": "a1", "token": "b2", "last_seq": 17},
}
TIMES = {
    "endpoint": 500.5,
    "queue": 1.5,
    "stt": 80.5,
    "translation": 9.5,
    "tts": 14.5,
    "first_audio": 607.5,
    "total": 611.5,
}
FROM_CLIENT: list[dict[str, Any]] = [
    START,
    {
        "type": "session.update",
        "source": {"language": "auto"},
        "targets": [{"language": "ca"}],
        "vad": {"padding_ms": 0},
        "barge_in": "off",
        "features": [],
    },
    {"type": "segment.commit"},
    {"type": "playback.pause"},
    {"type": "playback.resume"},
    {"type": "playback.stop"},
    {"type": "playback.mark", "segment": 3, "played_ms": 1250.5},
    {"type": "ping"},
    {"type": "session.end"},
]
CAPTION = {"segment": 4, "text": "hola señor", "language": "es", "start_ms": 10.5, "end_ms": 900.5}
FROM_SERVER: list[dict[str, Any]] = [
    {
        "type": "session.started",
        "session_id": "a1",
        "resume_token": "t",
        "resume_window_s": 30.5,
        "limits": {
            "max_message_bytes": 1048576,
            "max_segments": 8,
            "max_targets": 16,
            "idle_s": 300.5,
            "max_ahead_s": 60.5,
        },
        "config": {
            "source": {"language": "en"},
            "targets": [{"language": "es"}],
            "output": {"rate": 24000},
            "vad": START["vad"],
            "room": "standup",
            "role": "listener",
            "barge_in": "stop",
            "features": ["partials"],
        },
        "providers": {"stt": "pocketsphinx", "translation": "apertium", "tts": "espeak"},
    },
    {"type": "speech.started", "segment": 4},
    {"type": "speech.stopped", "segment": 4},
    {"type": "transcript.partial", **CAPTION},
    {"type": "transcript.final", **CAPTION, "confidence": 0.5},
    {"type": "translation.partial", "segment": 4, "target": "es", "text": "hola"},
    {"type": "translation.final", "segment": 4, "target": "es", "text": "hola"},
    {"type": "audio.start", "segment": 4, "target": "es", "index": 1, "rate": 24000},
    {"type": "audio.end", "segment": 4, "target": "es", "rate": 24000, "duration_ms": 800.5},
    {"type": "segment.done", "segment": 4, "timings_ms": TIMES},
    {
        "type": "segment.failed",
        "segment": 4,
        "target": "es",
        "stage": "tts",
        "code": "timed_out",
        "message": "Too late.",
        "retryable": True,
    },
    {"type": "playback.paused", "latency_ms": 1.5},
    {"type": "playback.resumed", "latency_ms": 1.5},
    {"type": "playback.stopped", "latency_ms": 1.5},
    {"type": "warning", "code": "not_available", "message": "No.", "hint": "Go on."},
    {
        "type": "error",
        "code": "overloaded",
        "message": "Full.",
        "hint": "Wait.",
        "fatal": True,
        "retryable": True,
        "retry_after_ms": 2000,
        "close_code": 1013,
    },
    {"type": "session.ended", "code": "done", "message": "All said.", "hint": "Start anew."},
    {"type": "pong"},
]


def types_of(union: Any) -> list[str]:
    return [message.model_fields["type"].default for message in get_args(get_args(union)[0])]


CLIENT_TYPES = types_of(client_messages.ClientMessage)
SERVER_TYPES = types_of(server_messages.ServerMessage)


def refusal(text: str) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        wire.decode(text)
    assert caught.value.message
    assert caught.value.hint
    return caught.value


def start(**changes: Any) -> str:
    return json.dumps(START | changes)


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


@pytest.mark.parametrize("text", ["", "hello", "{", "[1]", "5", "null", '"ping"', "[" * 5000])
def test_what_is_no_object_is_bad_json_and_the_session_goes_on(text: str) -> None:
    error = refusal(text)
    assert (error.code, error.close_code) == ("bad_json", None)


@pytest.mark.parametrize("text", ["{}", '{"type": 5}', '{"type": null}', '{"type": []}', '{"type": "pong"}'])
def test_unknown_type_is_no_reason_to_close(text: str) -> None:
    error = refusal(text)
    assert (error.code, error.close_code) == ("unknown_type", None)


def test_unknown_type_is_named_with_the_known_ones() -> None:
    error = refusal('{"type": "session.begin"}')
    assert "session.begin" in error.message
    assert all(name in error.hint for name in CLIENT_TYPES)


@pytest.mark.parametrize("version", [0, 2, "1", None, [1]])
def test_another_protocol_closes_with_4426_whatever_else_is_wrong(version: object) -> None:
    error = refusal(json.dumps({"type": "session.start", "targets": 5, "protocol": version}))
    assert (error.code, error.close_code) == ("protocol_version", Close.PROTOCOL_VERSION)


SEVENTEEN = [{"language": f"a{letter}"} for letter in "abcdefghijklmnopq"]
BAD_FIELDS = [
    ("source", None, "source", "object"),
    ("source", {"language": "english"}, "source.language", "language tag"),
    ("source", {"language": "en_US"}, "source.language", "language tag"),
    ("source", {}, "source.language", "required"),
    ("source", {"language": "en" + "-aaaaaaaa" * 9}, "source.language", "35 characters"),
    ("targets", [], "targets", "at least 1"),
    ("targets", SEVENTEEN, "targets", "at most 16"),
    ("targets", [{"language": "es"}, {"language": "ES"}], "targets", "once"),
    ("targets", [{"language": "es"}, {"language": "auto"}], "targets[1].language", "language tag"),
    ("targets", [{"language": "es", "voice": ""}], "targets[0].voice", "at least 1"),
    ("targets", {"language": "es"}, "targets", "array"),
    ("output", {"rate": 12345}, "output.rate", "24000"),
    ("output", {"rate": "24000"}, "output.rate", "24000"),
    ("room", 5, "room", "string"),
    ("room", "x" * 65, "room", "64"),
    ("role", "boss", "role", "'listener'"),
    ("barge_in", True, "barge_in", "'pause'"),
    ("features", ["x"] * 17, "features", "at most 16"),
    ("features", "partials", "features", "array"),
    ("vad", {"threshold": 1}, "vad.threshold", "less than 1"),
    ("vad", {"threshold": "0.5"}, "vad.threshold", "number"),
    ("vad", {"aggressiveness": 4}, "vad.aggressiveness", "equal to 3"),
    ("vad", {"min_speech_ms": 31}, "vad.min_speech_ms", "equal to 32"),
    ("vad", {"min_silence_ms": 10_001}, "vad.min_silence_ms", "equal to 10000"),
    ("vad", {"padding_ms": -1}, "vad.padding_ms", "equal to 0"),
    ("vad", {"max_segment_ms": 999}, "vad.max_segment_ms", "equal to 1000"),
    ("vad", {"max_segment_ms": 1500.5}, "vad.max_segment_ms", "integer"),
    ("resume", {"session_id": "a", "token": "b"}, "resume.last_seq", "required"),
    ("resume", {"session_id": "a", "token": "b", "last_seq": -1}, "resume.last_seq", "equal to 0"),
]


@pytest.mark.parametrize(("field", "value", "path", "expected"), BAD_FIELDS)
def test_bad_field_is_named_with_its_value_and_what_is_expected(
    field: str, value: object, path: str, expected: str
) -> None:
    error = refusal(start(**{field: value}))
    assert (error.code, error.close_code) == ("bad_field", None)
    assert error.message.startswith(f"session.start: {path}")
    assert expected in error.message


def test_bad_field_shows_the_value_but_never_a_long_one() -> None:
    assert '"boss"' in refusal(start(role="boss")).message
    assert len(refusal(start(role="boss" * 10_000)).message) < 200


def test_the_token_of_a_resume_is_never_repeated() -> None:
    resume = {"session_id": "a", "token": "secret" * 100, "last_seq": 1}
    assert "secret" not in refusal(start(resume=resume)).message


def test_numbers_that_are_none_are_refused() -> None:
    assert refusal('{"type": "playback.mark", "segment": 1, "played_ms": NaN}').code == "bad_field"
    assert refusal('{"type": "playback.mark", "segment": 1e400, "played_ms": 1}').code == "bad_field"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.text())
def test_no_text_brings_decode_down(text: str) -> None:
    with pytest.raises(ProtocolError):
        wire.decode(text)


@given(st.sampled_from(FROM_CLIENT), st.sampled_from([*START, "segment", "played_ms"]), JSON)
def test_no_field_brings_decode_down(example: dict[str, Any], field: str, value: object) -> None:
    try:
        message = wire.decode(json.dumps(example | {field: value}))
    except ProtocolError as error:
        assert error.hint
    else:
        assert wire.decode(wire.encode(message)) == message


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
