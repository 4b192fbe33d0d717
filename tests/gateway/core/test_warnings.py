"""What a listener is told once: that speech is left out, and that it is heard again."""

from __future__ import annotations

from dataclasses import replace

from bridge.types import Decision
from gateway.core.effects import Effect, Say
from gateway.core.warnings import CALM, Warn
from tests.gateway.events import START, Ear, cut, gave_up, heard, translated, whole


def too_late(segment: int, target: str | None = "es") -> Decision:
    return replace(gave_up(segment, target, "tts" if target else "stt"), code="too_late")


def warned(found: list[Effect]) -> list[Warn]:
    return [effect for effect in found if isinstance(effect, Warn)]


def test_captions_only_is_told_once_however_many_segments_it_concerns() -> None:
    ear = Ear(3)
    found = [effect for segment in range(3) for effect in ear.hears(too_late(segment))]
    assert warned(found) == [Warn("captions_only")]


def test_whole_segments_that_are_left_out_are_another_warning() -> None:
    ear = Ear(2)
    assert warned(ear.hears(too_late(0, None), too_late(1))) == [Warn("late"), Warn("captions_only")]


def test_speech_that_failed_otherwise_is_no_shortage() -> None:
    assert warned(Ear(1).hears(gave_up(0))) == []


def test_it_is_over_with_the_first_speech_that_was_said_some_time_after_the_last_that_was_lost() -> None:
    ear = Ear(1)
    ear.hears(too_late(0))
    soon, later = START + CALM - 1, START + CALM + 1
    assert warned(ear.hears(cut(1), *whole(1), at=soon)) == []
    assert warned(ear.hears(cut(2), *whole(2), at=later)) == [Warn("captions_only", over=True)]
    assert warned(ear.hears(cut(3), *whole(3), at=later)) == []


def test_words_alone_do_not_end_it() -> None:
    ear = Ear(1)
    ear.hears(too_late(0))
    assert warned(ear.hears(cut(1), heard(1), translated(1), at=START + CALM + 1)) == []


def test_a_new_shortage_is_told_again() -> None:
    ear = Ear(1)
    ear.hears(too_late(0))
    ear.hears(cut(1), *whole(1), at=START + CALM + 1)
    ear.hears(cut(2))
    assert warned(ear.hears(too_late(2))) == [Warn("captions_only")]


def test_warnings_take_no_number_of_the_frames() -> None:
    words = heard(0), translated(0)
    plain, short = Ear(1).hears(*words, gave_up(0)), Ear(1).hears(*words, too_late(0))
    assert numbers(plain) == numbers(short)


def numbers(found: list[Effect]) -> list[int]:
    return [effect.seq for effect in found if isinstance(effect, Say)]
