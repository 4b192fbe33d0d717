"""The order of what is heard, held in a pause, silenced by a stop, bounded."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.core import sequencer
from gateway.core.sequencer import HELD_SEGMENTS, Begins, Ends, Over, Overheld, Release, Sequencer, Sound
from tests.gateway.events import RATE


def expecting(segments: int = 1, targets: Sequence[str] = ("es",)) -> Sequencer:
    made = Sequencer()
    for segment in range(segments):
        assert made.expect(segment, targets) == []
    return made


def piece(segment: int, target: str = "es", sentence: int = 0, pcm: bytes = b"ab") -> Sound:
    return Sound(segment, target, pcm + bytes([segment, sentence]), RATE)


def add(order: Sequencer, segment: int, target: str = "es", sentence: int = 0) -> list[Release]:
    sound = piece(segment, target, sentence)
    return order.add(segment, target, sentence, sound.pcm, sound.rate)


def speak(order: Sequencer, segment: int, target: str = "es") -> list[Release]:
    return [*add(order, segment, target), *order.finish(segment, target)]


def spoken(segment: int, target: str = "es") -> list[Release]:
    return [Begins(segment, target), piece(segment, target), Ends(segment, target)]


# --- order ---


def test_speech_leaves_piece_by_piece() -> None:
    order = expecting()

    assert add(order, 0) == [Begins(0, "es"), piece(0)]
    assert add(order, 0, sentence=1) == [piece(0, sentence=1)]
    assert order.finish(0, "es") == [Ends(0, "es"), Over(0)]


def test_later_segment_waits_for_earlier_one() -> None:
    order = expecting(2)

    assert speak(order, 1) == []
    assert add(order, 0) == [Begins(0, "es"), piece(0)]
    assert order.finish(0, "es") == [Ends(0, "es"), Over(0), *spoken(1), Over(1)]


def test_targets_do_not_wait_for_each_other() -> None:
    order = expecting(2, ("es", "ca"))

    assert speak(order, 0, "ca") == spoken(0, "ca")
    assert speak(order, 1, "ca") == spoken(1, "ca")
    assert speak(order, 1, "es") == []
    assert speak(order, 0, "es") == [*spoken(0), Over(0), *spoken(1), Over(1)]


def test_a_segment_with_other_targets_does_not_hold_up_the_rest() -> None:
    order = Sequencer()
    order.expect(0, ["es"])
    order.expect(1, ["ca"])

    assert speak(order, 1, "ca") == [*spoken(1, "ca"), Over(1)]
    assert speak(order, 0) == [*spoken(0), Over(0)]


def test_a_target_named_twice_is_one_target() -> None:
    assert speak(expecting(targets=("es", "es")), 0) == [*spoken(0), Over(0)]


def test_a_segment_for_nobody_is_over_at_once() -> None:
    order = expecting()

    assert order.expect(1, []) == [Over(1)]
    assert speak(order, 0) == [*spoken(0), Over(0)]


def test_speech_without_a_sample_neither_begins_nor_ends() -> None:
    order = expecting()

    assert order.add(0, "es", 0, b"", RATE) == []
    assert order.finish(0, "es") == [Over(0)]


def test_a_segment_ends_for_all_its_targets_at_once() -> None:
    order = expecting(2, ("es", "ca"))
    add(order, 0, "ca")
    speak(order, 1, "es")

    assert order.finish(0, None) == [*spoken(1), Ends(0, "ca"), Over(0)]


def test_the_end_of_a_segment_leaves_the_speech_that_was_whole() -> None:
    order = expecting(2, ("es", "ca"))
    speak(order, 1)

    assert order.finish(1, None) == []
    assert order.finish(0, None) == [*spoken(1), Over(0), Over(1)]


@pytest.mark.parametrize(("segment", "target"), [(7, "es"), (0, "fr")])
def test_what_nobody_waits_for_is_ignored(segment: int, target: str) -> None:
    order = expecting()

    assert speak(order, segment, target) == []
    order.rewind(segment, target, 0)


def test_speech_after_the_end_is_ignored() -> None:
    order = expecting(2)
    speak(order, 1)
    assert order.finish(1, "es") == []
    speak(order, 0)

    assert speak(order, 1) == speak(order, 0) == []


# --- another attempt takes over ---


def test_what_waits_of_the_sentence_that_was_cut_off_is_dropped() -> None:
    order = expecting(2)
    add(order, 1, sentence=0)
    add(order, 1, sentence=1)
    add(order, 1, sentence=2)
    order.rewind(1, "es", 1)
    add(order, 1, sentence=1)
    order.finish(1, "es")

    assert order.finish(0, "es") == [
        Over(0),
        Begins(1, "es"),
        piece(1, sentence=0),
        piece(1, sentence=1),
        Ends(1, "es"),
        Over(1),
    ]


def test_what_was_heard_of_it_stays_heard_and_speech_begins_once() -> None:
    order = expecting()
    add(order, 0)
    order.rewind(0, "es", 0)

    assert add(order, 0) == [piece(0)]


# --- pause ---


def test_a_pause_holds_speech_and_resume_lets_all_of_it_go() -> None:
    order = expecting(2)
    order.pause()

    assert [*speak(order, 0), *order.finish(1, "es")] == []
    assert order.resume() == [*spoken(0), Over(0), Over(1)]
    assert order.resume() == []


def test_a_pause_midway_goes_on_at_the_next_piece() -> None:
    order = expecting()
    add(order, 0)
    order.pause()
    add(order, 0, sentence=1)
    add(order, 0, sentence=2)

    assert order.resume() == [piece(0, sentence=1), piece(0, sentence=2)]


def test_stop_ends_what_was_heard_and_drops_the_rest() -> None:
    order = expecting(3, ("es", "ca"))
    add(order, 0)
    speak(order, 1)

    assert order.stop(3) == [Ends(0, "es"), Over(0), Over(1), Over(2)]
    assert speak(order, 0) == speak(order, 2) == []


def test_stop_leaves_the_segments_after_it_and_lets_them_go() -> None:
    order = expecting(3)
    speak(order, 2)
    add(order, 0)

    assert order.stop(2) == [Ends(0, "es"), Over(0), Over(1), *spoken(2), Over(2)]


def test_stop_during_a_pause_drops_what_was_held_and_stays_paused() -> None:
    order = expecting(2)
    order.pause()
    add(order, 0)

    assert order.stop(1) == [Over(0)]
    assert speak(order, 1) == []
    assert order.resume() == [*spoken(1), Over(1)]


# --- bounds ---


def test_a_pause_holds_so_many_finished_segments_and_announces_what_it_drops() -> None:
    order = expecting(HELD_SEGMENTS + 2)
    add(order, 0)
    order.pause()
    for segment in range(HELD_SEGMENTS):
        assert speak(order, segment) == []

    assert speak(order, HELD_SEGMENTS) == [Overheld(0), Ends(0, "es"), Over(0)]
    assert speak(order, HELD_SEGMENTS + 1) == [Overheld(1), Over(1)]
    assert order.resume()[:4] == [*spoken(2), Over(2)]


def test_a_pause_holds_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "HELD_BYTES", 100)
    order = expecting(4)
    order.pause()
    for segment in range(3):
        assert order.add(segment, "es", 0, bytes(40), RATE) == [] or segment == 2
        assert order.finish(segment, "es") == []

    assert order.resume() == [
        item
        for segment in (1, 2)
        for item in (
            Begins(segment, "es"),
            Sound(segment, "es", bytes(40), RATE),
            Ends(segment, "es"),
            Over(segment),
        )
    ]


def test_what_a_worker_still_speaks_is_not_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "HELD_BYTES", 100)
    order = expecting(2)
    order.pause()
    order.add(0, "es", 0, bytes(80), RATE)
    order.add(1, "es", 0, bytes(40), RATE)

    assert order.finish(1, "es") == [Overheld(1), Over(1)]
    assert order.finish(0, "es") == []
    assert order.resume() == [Begins(0, "es"), Sound(0, "es", bytes(80), RATE), Ends(0, "es"), Over(0)]


def test_what_was_dropped_or_heard_or_rewound_makes_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "HELD_BYTES", 100)
    order = expecting(40)
    for segment in range(0, 39, 3):
        order.pause()
        order.add(segment, "es", 0, bytes(90), RATE)
        order.rewind(segment, "es", 0)
        order.add(segment, "es", 0, bytes(90), RATE)
        assert order.finish(segment, "es") == []
        order.add(segment + 1, "es", 0, bytes(90), RATE)
        order.stop(segment + 2)
        order.resume()
        order.add(segment + 2, "es", 0, bytes(90), RATE)
        assert order.finish(segment + 2, "es")[-1] == Over(segment + 2)


def test_without_a_pause_nothing_is_dropped() -> None:
    order = expecting(HELD_SEGMENTS + 9)
    for segment in range(1, HELD_SEGMENTS + 9):
        assert speak(order, segment) == []

    assert not any(isinstance(item, Overheld) for item in order.finish(0, "es"))


def test_nothing_is_kept_of_a_segment_that_is_over() -> None:
    order = expecting(50)
    for segment in range(50):
        speak(order, segment)

    assert "Voice" not in repr(vars(order))
    assert order.stop(50) == order.resume() == []
