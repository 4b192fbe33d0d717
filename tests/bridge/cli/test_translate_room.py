"""`speechbridge translate --room` against a peer that keeps to a script: a recording spoken to others."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.order import Order
from bridge.client import RoomLink, Seat
from bridge.errors import BridgeError
from tests.bridge.cli.test_translate import Gateway, run


class Heard:
    """A room in which what a speaker says becomes one segment, which only the others hear translated."""

    def __init__(self) -> None:
        self.start: dict[str, Any] = {}
        self.audio = b""

    def __call__(self, peer: Any) -> None:
        self.start = peer.start
        peer.open(participant=3)
        self.audio = peer.hear()
        peer.say("speech.started", segment=3 << 20, speaker=3)
        peer.say(
            "transcript.final",
            segment=3 << 20,
            speaker=3,
            text="good morning",
            language="en",
            start_ms=200,
            end_ms=800,
        )
        peer.done(3 << 20)
        peer.end()


def speak_link(url: str) -> str:
    return url.replace("ws://", "http://") + "/r/k7/speak#say"


def test_recording_is_spoken_into_a_room_as_fast_as_a_person_would(gateway: Gateway, talk: Path) -> None:
    room = Heard()
    began = time.monotonic()
    done = run(talk, "--from", "en", "--room", speak_link(gateway(room)))
    assert time.monotonic() - began > 0.9
    assert done.exit_code == 0
    assert room.start == {
        "type": "session.start",
        "protocol": 1,
        "source": {"language": "en"},
        "output": {"pacing": "burst"},
        "room": "k7",
        "role": "speaker",
        "secret": "say",
        "name": "talk",
    }
    assert len(room.audio) == pytest.approx(32_000, abs=640)
    assert "0:00.2 to 0:00.8  good morning" in done.stdout


@pytest.mark.parametrize(
    ("name", "file", "shown"),
    [("Ana", "talk.wav", "Ana"), (None, "talk.wav", "talk"), (None, "t" * 90 + ".wav", "t" * 64)],
)
def test_who_speaks_in_the_room_is_the_name_given_or_that_of_the_file(
    name: str | None, file: str, shown: str
) -> None:
    order = Order("en", (), room=RoomLink("http://host", "k7", "say", True), name=name)
    assert order.seat(Path(file)) == Seat("k7", "say", "speaker", shown)


def test_recording_that_nobody_listened_to_is_told_so(gateway: Gateway, brief: Path) -> None:
    def deserted(peer: Any) -> None:
        peer.open()
        peer.hear()
        peer.end()

    done = run(brief, "--room", speak_link(gateway(deserted)))
    assert done.exit_code == 0
    assert "nobody listened" in done.stdout


def test_room_that_ends_meanwhile_is_told_in_its_words(gateway: Gateway, talk: Path) -> None:
    def ends(peer: Any) -> None:
        peer.open()
        peer.say("session.ended", code="room_ended", message="The room was ended.")

    done = run(talk, "--room", speak_link(gateway(ends)))
    assert done.exit_code == 1
    assert "error: talk.wav: The room was ended." in done.stderr


@pytest.mark.parametrize("option", ["--to=es", "--srt", "--dub", "-o.", "--url=ws://host"])
def test_options_that_have_no_effect_in_a_room_are_refused(talk: Path, option: str) -> None:
    done = run(talk, "--room", "http://127.0.0.1:1/r/k7/speak#say", option)
    assert done.exit_code == 2
    assert "does not go with" in done.output


def test_link_for_listening_is_no_link_to_speak_by(talk: Path) -> None:
    done = run(talk, "--room", "http://127.0.0.1:1/r/k7#hear")
    assert isinstance(done.exception, BridgeError)
    assert done.exception.code == "listen_only"
    assert "hear" not in str(done.exception).split("listening")[0]
