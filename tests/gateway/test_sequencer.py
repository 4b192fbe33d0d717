"""The order of what is heard: captions at once, speech in turn, each sample once."""

from __future__ import annotations

import pytest

from bridge.types import Event
from gateway.sequencer import (
    Done,
    Failed,
    Sequencer,
    SpeechBegins,
    SpeechEnds,
    SpeechPiece,
    Transcribed,
    Translated,
)
from tests.gateway.events import (
    ERROR,
    RATE,
    accept,
    audio,
    done,
    heard,
    sequencer,
    speech,
    spoken,
    translated,
)


def test_captions_leave_at_once_though_an_earlier_segment_is_still_silent() -> None:
    order = sequencer(2)

    assert order.accept(heard(1)) == [Transcribed(1, heard(1))]
    assert order.accept(translated(1)) == [Translated(1, "es", translated(1))]


def test_captions_leave_once() -> None:
    order = sequencer()
    accept(order, heard(0), translated(0))

    assert accept(order, heard(0, attempt=1), translated(0, attempt=1), heard(0, "", attempt=1)) == []


def test_speech_leaves_piece_by_piece() -> None:
    order = sequencer()

    assert order.accept(audio(0, 0, 5)) == [
        SpeechBegins(0, "es", RATE),
        SpeechPiece(0, "es", 0, speech(0, "es", 0, 5)),
    ]
    assert order.accept(audio(0, 5, 9)) == [SpeechPiece(0, "es", 5, speech(0, "es", 5, 9))]
    assert order.accept(done(0, 9)) == [SpeechEnds(0, "es", RATE, 9), Done(0)]


def test_later_segment_waits_for_earlier_one() -> None:
    order = sequencer(2)

    assert accept(order, audio(1, 0, 4), done(1, 4)) == []
    assert accept(order, audio(0, 0, 6)) == spoken(0, 6)[:2]
    assert accept(order, done(0, 6)) == [spoken(0, 6)[2], Done(0), *spoken(1, 4), Done(1)]


def test_targets_do_not_wait_for_each_other() -> None:
    order = sequencer(2, ("es", "ca"))

    assert accept(order, audio(0, 0, 3, "ca"), done(0, 3, "ca")) == spoken(0, 3, "ca")
    assert accept(order, audio(1, 0, 4, "ca"), done(1, 4, "ca")) == spoken(1, 4, "ca")
    assert accept(order, audio(1, 0, 4, "es"), done(1, 4, "es")) == []
    assert accept(order, audio(0, 0, 2, "es"), done(0, 2, "es")) == [
        *spoken(0, 2),
        Done(0),
        *spoken(1, 4),
        Done(1),
    ]


def test_a_segment_with_other_targets_does_not_hold_up_the_rest() -> None:
    order = Sequencer()
    order.expect(0, ["es"])
    order.expect(1, ["ca"])

    assert accept(order, audio(1, 0, 2, "ca"), done(1, 2, "ca")) == [*spoken(1, 2, "ca"), Done(1)]
    assert order.segments == [0]


def test_a_target_named_twice_is_one_target() -> None:
    order = sequencer(targets=("es", "es"))

    assert accept(order, audio(0, 0, 2), done(0, 2)) == [*spoken(0, 2), Done(0)]


def test_speech_without_a_sample_neither_begins_nor_ends() -> None:
    order = sequencer()

    assert accept(order, audio(0, 0, 0), done(0, 0)) == [Done(0)]


def test_nothing_said_ends_all_targets_of_the_segment() -> None:
    order = sequencer(2, ("es", "ca"))
    accept(order, audio(1, 0, 2, "es"), done(1, 2, "es"))

    assert accept(order, heard(0, "")) == [Transcribed(0, heard(0, "")), *spoken(1, 2), Done(0)]
    assert order.segments == [1]


def test_a_twin_goes_on_where_the_first_one_died() -> None:
    order = sequencer()
    accept(order, audio(0, 0, 5), audio(0, 5, 8))

    assert accept(order, audio(0, 0, 7, attempt=1), audio(0, 7, 10, attempt=1), done(0, 10, attempt=1)) == [
        SpeechPiece(0, "es", 8, speech(0, "es", 8, 10)),
        SpeechEnds(0, "es", RATE, 10),
        Done(0),
    ]


def test_a_shorter_twin_ends_the_speech_without_taking_anything_back() -> None:
    order = sequencer()
    accept(order, audio(0, 0, 12))

    assert accept(order, audio(0, 0, 10, attempt=1), done(0, 10, attempt=1)) == [
        SpeechEnds(0, "es", RATE, 12),
        Done(0),
    ]


def test_a_longer_twin_that_is_late_adds_nothing() -> None:
    order = sequencer(2)
    accept(order, audio(1, 0, 4), done(1, 4), audio(1, 0, 9, attempt=1))

    assert accept(order, heard(0, ""))[1:] == [Done(0), *spoken(1, 4), Done(1)]


def test_a_piece_beyond_a_gap_waits_for_the_twin_that_has_all() -> None:
    order = sequencer()

    assert accept(order, audio(0, 0, 3), audio(0, 6, 9))[2:] == []
    assert accept(order, audio(0, 0, 9, attempt=1)) == [SpeechPiece(0, "es", 3, speech(0, "es", 3, 9))]


def test_an_end_that_speaks_of_lost_samples_does_not_cut_the_speech_short() -> None:
    order = sequencer()
    lossy = done(0, 9)
    accept(order, audio(0, 0, 3), audio(0, 6, 9))

    assert not order.whole(lossy)
    assert order.accept(lossy) == []
    assert accept(order, audio(0, 0, 9, attempt=1), done(0, 9, attempt=1))[1:] == [
        SpeechEnds(0, "es", RATE, 9),
        Done(0),
    ]


def test_an_end_after_all_samples_is_whole_and_so_is_one_that_nobody_waits_for() -> None:
    order = sequencer(2)
    accept(order, audio(0, 0, 3))

    assert order.whole(done(0, 3))
    assert not order.whole(done(0, 4))
    assert order.whole(done(7, 4))
    assert order.whole(done(0, 4, "fr"))
    accept(order, done(0, 3))
    assert order.whole(done(0, 4, attempt=1))


def test_failure_of_the_head_lets_the_next_go() -> None:
    order = sequencer(2)
    accept(order, audio(1, 0, 4), done(1, 4))

    assert order.fail(0, "es", "tts", ERROR) == [
        Failed(0, "es", "tts", "broken", "It broke.", True),
        Done(0),
        *spoken(1, 4),
        Done(1),
    ]


def test_failure_midway_ends_the_speech_that_had_begun() -> None:
    order = sequencer()
    accept(order, audio(0, 0, 4))

    assert order.fail(0, "es", "tts", ERROR)[1:] == [SpeechEnds(0, "es", RATE, 4), Done(0)]


def test_failure_of_a_segment_leaves_the_speech_that_was_whole() -> None:
    order = sequencer(2, ("es", "ca"))
    accept(order, audio(1, 0, 4), done(1, 4))

    assert order.fail(1, None, "stt", ERROR) == [Failed(1, None, "stt", "broken", "It broke.", True)]
    assert accept(order, heard(0, ""))[1:] == [*spoken(1, 4), Done(0), Done(1)]


def test_failure_after_the_fact_is_not_announced() -> None:
    order = sequencer(2)
    accept(order, audio(1, 0, 4), done(1, 4))

    assert order.fail(1, "es", "tts", ERROR) == []
    assert order.fail(0, "fr", "tts", ERROR) == []
    assert order.fail(9, None, "stt", ERROR) == []
    order.fail(0, None, "stt", ERROR)
    assert order.fail(0, None, "stt", ERROR) == []


def test_what_comes_after_a_failure_is_not_heard() -> None:
    order = sequencer(2)
    order.fail(1, "es", "tts", ERROR)

    assert accept(order, audio(1, 0, 4), done(1, 4)) == []
    assert accept(order, heard(0, ""))[1:] == [Done(0), Done(1)]


def test_a_pause_holds_speech_but_no_caption_and_no_failure() -> None:
    order = sequencer(2)
    order.pause()

    assert accept(order, translated(0), audio(0, 0, 4), done(0, 4)) == [Translated(0, "es", translated(0))]
    assert order.fail(1, "es", "tts", ERROR) == [Failed(1, "es", "tts", "broken", "It broke.", True)]
    assert order.resume() == [*spoken(0, 4), Done(0), Done(1)]
    assert order.resume() == []


def test_a_pause_midway_goes_on_at_the_next_sample() -> None:
    order = sequencer()
    accept(order, audio(0, 0, 4))
    order.pause()
    accept(order, audio(0, 4, 6), audio(0, 6, 7))

    assert order.resume() == [
        SpeechPiece(0, "es", 4, speech(0, "es", 4, 6)),
        SpeechPiece(0, "es", 6, speech(0, "es", 6, 7)),
    ]


def test_stop_ends_what_was_heard_and_drops_the_rest() -> None:
    order = sequencer(3, ("es", "ca"))
    accept(order, audio(0, 0, 4, "es"), audio(1, 0, 4, "es"), done(1, 4, "es"))

    assert order.stop() == [SpeechEnds(0, "es", RATE, 4), Done(0), Done(1), Done(2)]
    assert order.segments == []
    assert accept(order, audio(0, 4, 8), translated(2)) == []


def test_stop_during_a_pause_drops_what_was_held_and_stays_paused() -> None:
    order = sequencer()
    order.pause()
    accept(order, audio(0, 0, 4))

    assert order.stop() == [Done(0)]
    order.expect(1, ["es"])
    assert accept(order, audio(1, 0, 4), done(1, 4)) == []
    assert order.resume() == [*spoken(1, 4), Done(1)]


@pytest.mark.parametrize(
    "event",
    [
        audio(7, 0, 4),
        heard(7),
        audio(0, 0, 4, "fr"),
        translated(0, "fr"),
        Event("text", "translation", "a", 0, text="va"),
        Event("audio", "tts", "a", 0, pcm=b"ab", rate=RATE),
        audio(0, 0, 4, revision=1),
        Event("started", "tts", "a", 0, target="es"),
    ],
)
def test_what_nobody_waits_for_is_ignored(event: Event) -> None:
    assert sequencer().accept(event) == []


def test_only_the_revision_that_was_sent_last_is_heard() -> None:
    order = Sequencer()
    order.expect(0, ["es"], revision=1)

    assert order.accept(audio(0, 0, 4)) == []
    assert order.accept(audio(0, 0, 4, revision=1)) == spoken(0, 4)[:2]


def test_nothing_is_kept_of_a_segment_that_is_done() -> None:
    order = sequencer(50)
    for segment in range(50):
        accept(order, heard(segment), translated(segment), audio(segment, 0, 4), done(segment, 4))

    assert order.segments == []
    assert "Segment" not in repr(vars(order)) and "Voice" not in repr(vars(order))
    assert order.stop() == order.resume() == []


def test_only_finished_segments_of_a_pause_are_held() -> None:
    order = sequencer(segments=3)
    accept(order, audio(0, 0, 10), done(0, 10), done(2, 0))
    assert order.held == []

    order.pause()
    accept(order, audio(1, 0, 10))
    assert order.held == [2]

    accept(order, done(1, 10))
    assert order.held == [1, 2]


def test_what_is_dropped_from_a_pause_is_announced_and_the_rest_heard_after_it() -> None:
    order = sequencer(segments=2, targets=("es", "ca"))
    accept(order, audio(0, 0, 4))
    order.pause()
    for target in ("es", "ca"):
        accept(
            order, audio(0, 0, 10, target), done(0, 10, target), audio(1, 0, 8, target), done(1, 8, target)
        )

    assert order.drop(0, ERROR) == [
        Failed(0, None, "tts", "broken", "It broke.", True),
        SpeechEnds(0, "es", RATE, 4),
        Done(0),
    ]
    assert order.held == [1]
    assert [type(item) for item in order.resume()] == [SpeechBegins, SpeechPiece, SpeechEnds] * 2 + [Done]
    assert list(order.segments) == []
