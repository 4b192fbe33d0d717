"""When a session goes on, with what, and when it is given up: decided without a socket or a clock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.client.lifeline import LONGEST_PAUSE, STEADY_SECONDS, Lifeline
from bridge.protocol import client_messages, parts, server_messages, wire

WINDOW = 60.0


def started(**changes: Any) -> server_messages.SessionStarted:
    fields = {
        "seq": 1,
        "session_id": "5f2c",
        "resume_token": "first",
        "resume_window_s": WINDOW,
        "limits": parts.Limits(max_message_bytes=640, max_segments=8, idle_s=300),
        "config": parts.Effective(
            source=client_messages.Source(language="en"),
            targets=(),
            output=client_messages.Output(rate=8000),
            vad=client_messages.Vad(),
        ),
        "providers": {},
    }
    return server_messages.SessionStarted(**fields | changes)


def lifeline(chance: float = 1.0, **changes: Any) -> Lifeline:
    made = Lifeline(chance=lambda: chance)
    made.begin(started(**changes), 0.0)
    return made


def frame(seq: int) -> wire.AudioFrame:
    return wire.AudioFrame(seq, 0, 0, 0, b"\1\0")


def taken(line: Lifeline) -> list[Any]:
    frames = []
    while (data := line.take()) is not None:
        frames.append(json.loads(data)["type"] if isinstance(data, str) else len(data))
    return frames


def test_resume_names_session_token_last_frame_and_first_sample_held() -> None:
    line = lifeline()
    line.add_audio(bytes(640))
    taken(line)
    line.hear(server_messages.AudioAck(samples=100))
    line.hear(frame(7))
    assert line.resume() == client_messages.Resume(session_id="5f2c", token="first", last_seq=7, samples=100)


def test_first_frame_counts_so_that_it_is_not_asked_for_again() -> None:
    assert lifeline().resume().last_seq == 1


def test_token_of_the_connection_that_goes_on_replaces_the_one_before() -> None:
    line = lifeline()
    line.begin(started(resume_token="second", resumed=True, seq=0), 1.0)
    assert line.resume().token == "second"
    assert line.resume().last_seq == 1


@pytest.mark.parametrize("changes", [{"resume_window_s": 0}, {"resume_token": ""}])
def test_server_that_keeps_no_session_is_taken_at_its_word(changes: dict[str, Any]) -> None:
    assert not lifeline(**changes).resumable
    assert lifeline().resumable


def test_who_wants_no_resume_has_none() -> None:
    line = Lifeline(wanted=False)
    line.begin(started(), 0.0)
    assert not line.resumable


def test_frames_that_came_before_are_not_for_the_user() -> None:
    line = lifeline()
    assert [line.hear(frame(seq)) for seq in (2, 3, 3, 2, 4)] == [True, True, False, False, True]


def test_answers_carry_the_number_of_a_frame_that_may_not_have_arrived() -> None:
    line = lifeline()
    assert line.hear(server_messages.Pong(seq=9))
    assert line.hear(server_messages.Error(seq=9, code="odd_audio", message="Odd."))
    assert line.resume().last_seq == 1
    assert line.hear(frame(5))


def test_receipts_are_not_for_the_user() -> None:
    assert not lifeline().hear(server_messages.AudioAck(samples=0))


def test_end_is_for_the_user_whatever_its_number_and_nothing_goes_on_after_it() -> None:
    line = lifeline()
    line.hear(frame(5))
    assert line.hear(server_messages.SessionEnded(seq=5))
    assert not line.resumable


def test_wishes_that_hold_at_once_overtake_audio_that_waits() -> None:
    line = lifeline()
    line.add_audio(bytes(640))
    line.add(client_messages.SegmentCommit())
    line.add(client_messages.PlaybackPause())
    assert taken(line) == ["playback.pause", 640, "segment.commit"]


def test_wish_that_was_not_answered_is_said_again_and_one_that_was_is_not() -> None:
    line = lifeline()
    line.add(client_messages.PlaybackPause())
    line.add(client_messages.Ping())
    line.add(client_messages.PlaybackMark(segment=0, played_ms=20))
    assert taken(line) == ["playback.pause", "ping", "playback.mark"]
    line.hear(server_messages.PlaybackPaused(seq=2, latency_ms=1))
    line.begin(started(resumed=True), 1.0)
    assert taken(line) == ["ping"]


def test_session_end_is_said_again_until_the_session_has_ended() -> None:
    line = lifeline()
    line.add_audio(bytes(640))
    line.add(client_messages.SessionEnd())
    taken(line)
    line.hear(server_messages.AudioAck(samples=320))
    line.begin(started(resumed=True, samples=320), 1.0)
    assert taken(line) == ["session.end"]


def test_attempts_come_quickly_at_first_and_never_more_than_a_second_apart() -> None:
    line = lifeline()
    line.lose(100.0)
    pauses = [line.pause(100.0) for _ in range(6)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, LONGEST_PAUSE, LONGEST_PAUSE]
    assert LONGEST_PAUSE < 1


def test_those_who_were_dropped_together_come_back_apart() -> None:
    early, late = lifeline(chance=0.0), lifeline(chance=1.0)
    early.lose(0.0)
    late.lose(0.0)
    assert (early.pause(0.0), late.pause(0.0)) == (0.05, 0.1)


def test_server_that_asks_for_patience_gets_it_within_the_window() -> None:
    line = lifeline()
    line.lose(0.0)
    assert line.pause(0.0, least=5.0) == 5.0
    assert line.pause(58.0, least=5.0) == 2.0, "the last attempt comes when the window is about to close"


def test_session_is_given_up_when_the_window_is_over() -> None:
    line = lifeline()
    line.lose(10.0)
    assert line.pause(10.0 + WINDOW - 0.001) is not None
    assert line.pause(10.0 + WINDOW) is None


def test_connection_that_breaks_before_it_carried_anything_does_not_open_the_window_anew() -> None:
    line = lifeline()
    line.lose(0.0)
    for _ in range(6):
        line.pause(0.0)
    line.begin(started(resumed=True), 50.0)
    line.lose(51.0)
    assert line.pause(51.0) == LONGEST_PAUSE
    assert line.pause(WINDOW) is None


@pytest.mark.parametrize("carried", [True, False])
def test_connection_that_carried_something_or_lasted_opens_the_window_anew(carried: bool) -> None:
    line = lifeline()
    line.lose(0.0)
    line.pause(0.0)
    line.begin(started(resumed=True), 50.0)
    if carried:
        line.hear(frame(9))
    end = 50.1 if carried else 50.1 + STEADY_SECONDS
    line.lose(end)
    assert line.pause(end) == 0.1
    assert line.pause(end + WINDOW - 1) is not None


def test_server_that_holds_as_much_as_it_takes_may_be_silent() -> None:
    line = lifeline(limits=parts.Limits(max_message_bytes=640, max_segments=8, idle_s=300, max_ahead_s=1))
    line.add_audio(bytes(24_000))
    assert line.read
    line.add_audio(bytes(2_000))
    assert not line.read
