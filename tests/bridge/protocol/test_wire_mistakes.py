"""The mistakes of clients: each is named, and none brings the decoder down."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocol import client_messages, wire
from bridge.protocol.wire import Close
from tests.bridge.protocol.examples import CLIENT_TYPES, FROM_CLIENT, START, start


def refusal(text: str) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        wire.decode(text)
    assert caught.value.message
    assert caught.value.hint
    return caught.value


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
    ("source", None, "source", "the language that is spoken"),
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


@pytest.mark.parametrize(
    ("role", "missing"),
    [
        (None, "targets"),
        ("listener", "targets"),
        ("both", "targets"),
        ("both", "source"),
        ("speaker", "source"),
    ],
)
def test_in_a_room_what_a_role_needs_is_asked_for(role: str | None, missing: str) -> None:
    """Who names no role listens."""
    asked = {"room": "a1", "secret": "s", "role": role, missing: None}
    assert f"{missing} is missing" in refusal(start(**asked)).message


def test_who_names_no_role_in_a_room_listens_and_need_not_say_what_is_spoken() -> None:
    asked = {"room": "a1", "secret": "s", "role": None, "source": None}
    assert isinstance(wire.decode(start(**asked)), client_messages.SessionStart)


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
