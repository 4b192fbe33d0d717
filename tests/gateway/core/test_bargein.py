"""The listener's own speech holds back, or silences, what is spoken to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Any

import pytest

from bridge.types import SAMPLE_BYTES, Decision, Entry, Event
from gateway.core import inputs
from gateway.core.bargein import EARLY, SILENT_SECONDS, BargeIn
from gateway.core.effects import Control, Effect, Obeyed, Play, Purge, Say, SpeechBegins
from gateway.core.quiet import WINDOW
from gateway.core.room import effects_of
from gateway.core.terms import BargeIn as Mode
from gateway.core.tuning import Tuning, numbered
from tests.gateway.core.bench import NOW, Bench, decisions, terms
from tests.gateway.core.meeting import Gateway, Meeting, sound
from tests.gateway.events import SESSION, audio, heard, said, translated, whole

QUIET = 10
"""Windows of CONFIG's shortest silence, which is also that which ends a listener's speech."""


def windows(*parts: tuple[int, float]) -> inputs.Windows:
    probabilities = tuple(p for count, p in parts for _ in range(count))
    return inputs.Windows(bytes(len(probabilities) * WINDOW * SAMPLE_BYTES), probabilities)


def ear(mode: Mode, **cutting: Any) -> BargeIn:
    its = terms()
    return BargeIn(replace(its, barge_in=mode, cutting=replace(its.cutting, **cutting)))


def wishes(of: BargeIn, *parts: tuple[int, float], now: float = NOW) -> Sequence[str]:
    return of.handle(windows(*parts), now)


# --- when ---


def test_three_voiced_windows_pause_long_before_speech_is_certain() -> None:
    listener = ear("pause", min_speech_ms=1_000)

    assert wishes(listener, (EARLY - 1, 0.9)) == []
    assert wishes(listener, (1, 0.9)) == ["paused"]
    assert wishes(listener, (40, 0.9)) == []


def test_a_knock_pauses_nothing() -> None:
    listener = ear("pause")

    assert wishes(listener, *[(EARLY - 1, 0.9), (1, 0.0)] * 10) == []


def test_a_cough_is_taken_back_and_stops_nothing() -> None:
    listener = ear("stop", min_speech_ms=250, min_silence_ms=2_000)

    assert wishes(listener, (5, 0.9)) == ["paused"]
    assert wishes(listener, (QUIET - 1, 0.0)) == []
    assert wishes(listener, (1, 0.0)) == ["resumed"]


def test_speech_stops_once_when_it_is_certain_and_what_follows_is_let_go_behind_it() -> None:
    listener = ear("stop", min_speech_ms=250)

    assert wishes(listener, (7, 0.9)) == ["paused"]
    assert wishes(listener, (30, 0.9)) == ["stopped"]
    assert wishes(listener, (QUIET, 0.0)) == ["resumed"]
    assert wishes(listener, (8, 0.9)) == ["paused", "stopped"]


def test_a_pause_lasts_as_long_as_the_silence_that_ends_a_segment() -> None:
    listener = ear("pause", min_silence_ms=640)

    assert wishes(listener, (10, 0.9), (19, 0.0), (2, 0.9)) == ["paused"]
    assert wishes(listener, (19, 0.0)) == []
    assert wishes(listener, (1, 0.0)) == ["resumed"]


def test_voice_is_what_counts_as_speech_for_the_segmenter() -> None:
    listener = ear("pause")

    assert wishes(listener, (20, 0.49)) == []
    assert wishes(listener, (EARLY, 0.5)) == ["paused"]


@pytest.mark.parametrize("over", [inputs.Commit(), inputs.End(), inputs.Update(terms())])
def test_who_says_that_they_are_done_or_wants_none_of_it_hears_on_at_once(over: inputs.Input) -> None:
    listener = ear("pause")
    wishes(listener, (EARLY, 0.9))

    assert listener.handle(over, NOW) == ["resumed"]
    assert listener.handle(over, NOW) == []


def test_a_microphone_that_falls_silent_holds_nothing_up() -> None:
    listener = ear("pause")
    assert listener.next == inf
    wishes(listener, (EARLY, 0.9), now=NOW)
    wishes(listener, (1, 0.9), now=NOW + 0.5)

    assert listener.next == NOW + 0.5 + SILENT_SECONDS
    assert listener.handle(inputs.Tick(), NOW + SILENT_SECONDS) == []
    assert listener.handle(inputs.Tick(), NOW + 0.5 + SILENT_SECONDS) == ["resumed"]
    assert listener.next == inf


def test_off_is_off() -> None:
    assert wishes(ear("off"), (100, 0.9)) == []


# --- what it does to a lone session ---


def bench(mode: Mode) -> Bench:
    made = Bench()
    made.give(inputs.Update(replace(made.terms, barge_in=mode)))
    return made


def speaks(to: Bench, windows: int = EARLY) -> list[Effect]:
    return to.hears((windows, 0.9))


def acknowledged(found: Sequence[Effect]) -> list[tuple[str, str]]:
    return [(what.kind, what.reason) for what in said(found, Obeyed)]


def played(found: Sequence[Effect]) -> list[int]:
    return sorted({effect.segment for effect in found if isinstance(effect, Play)})


def test_speech_that_comes_while_the_listener_speaks_is_heard_behind_it() -> None:
    it = bench("pause")
    it.segment()

    assert acknowledged(speaks(it)) == [("paused", "barge_in")]
    assert played(it.says(*whole(0))) == []
    assert it.hears((QUIET - 1, 0.0)) == []
    ended = it.hears((1, 0.0))
    assert played(ended) == [0]
    assert acknowledged(ended) == [("resumed", "barge_in")]


def test_a_sentence_in_the_midst_of_being_heard_goes_on_where_it_was_held() -> None:
    it = bench("pause")
    it.segment()
    first = it.says(heard(0), translated(0), audio(0, 0))
    speaks(it)

    assert played(it.says(audio(0, 1))) == []
    ended = it.hears((QUIET, 0.0))
    assert played(first) == played(ended) == [0]
    assert said(ended, SpeechBegins) == []


def test_a_stop_silences_what_began_to_be_heard_and_nothing_else() -> None:
    it = bench("stop")
    it.segment()
    it.segment()
    it.says(heard(0), translated(0), audio(0, 0))

    stopped = speaks(it, 4)
    assert acknowledged(stopped) == [("paused", "barge_in"), ("stopped", "barge_in")]
    assert [effect.segment for effect in stopped if isinstance(effect, Purge)] == [1]
    assert it.says(audio(0, 1)) == []
    it.says(*whole(1))
    assert played(it.hears((QUIET, 0.0))) == [1]


def test_the_words_that_stop_the_speech_are_translated_themselves() -> None:
    it = bench("stop")
    it.segment()
    it.says(*whole(0))
    speaks(it, 4)
    it.hears((QUIET, 0.0))

    assert played(it.says(*whole(1))) == [1]


def test_workers_hear_of_it_at_once_by_its_number() -> None:
    it = bench("pause")
    it.echo = False

    found = speaks(it)
    (paused,) = decisions(found, "paused")
    assert [effect.decision for effect in found if isinstance(effect, Control)] == [paused]
    assert paused.number >= 0


def test_what_workers_acknowledge_is_told_to_nobody() -> None:
    it = bench("pause")
    it.segment()

    assert it.says(Event("obeyed", "tts", SESSION, 0, index=1, queued_ms=3.0)) == []
    assert played(it.says(*whole(0))) == [0]


def test_the_clients_pause_and_that_of_its_speech_do_not_undo_each_other() -> None:
    it = bench("pause")
    it.segment()
    it.says(*whole(0)[:1])
    it.give(inputs.Pause())
    speaks(it)
    it.says(*whole(0)[1:])

    assert played(it.hears((QUIET, 0.0))) == []
    speaks(it)
    assert played(it.give(inputs.Resume())) == []
    assert played(it.hears((QUIET, 0.0))) == [0]


def taken_over(it: Bench) -> list[Effect]:
    """What those get who listen at the gateway that takes the session over."""
    elsewhere = it.fresh()
    elsewhere.here.clear()
    for entry in it.journal.entries:
        elsewhere.handle(entry, it.now)
    taken = Entry(f"{round(it.journal.entries[-1].at * 1000)}-999", Decision("taken", SESSION, 0, fence=1))
    return effects_of(elsewhere.handle(taken, it.now))


def test_who_takes_over_in_a_pause_ends_it_since_nobody_listens_to_that_speech_any_more() -> None:
    it = bench("pause")
    it.segment()
    speaks(it)
    it.says(*whole(0))

    assert played(taken_over(it)) == [0]
    assert acknowledged(taken_over(it)) == [("resumed", "barge_in")]


def test_a_take_over_lets_nothing_go_that_the_client_paused_itself() -> None:
    it = bench("pause")
    it.segment()
    it.give(inputs.Pause())
    it.says(*whole(0))

    assert [effect for effect in taken_over(it) if isinstance(effect, Say | Play)] == []


# --- and in a room ---


def ana_and_ben(mode: Mode) -> tuple[Meeting, Gateway, Tuning, Tuning]:
    """Both speak English and hear Spanish; Ana's own speech does what `mode` says."""
    it = Meeting()
    here = it.gateway()
    ana, ben = here.enter("ana", "both"), here.enter("ben", "both")
    update = inputs.Update(replace(here.seats["ana"].terms, barge_in=mode))
    here.done(here.room.handle(update, it.now, "ana"))
    return it, here, ana, ben


def interrupts(here: Gateway, *parts: tuple[int, float]) -> list[Effect]:
    before = len(here.effects)
    here.done(here.room.handle(windows(*parts), here.meeting.now, "ana"))
    return here.effects[before:]


def test_who_speaks_in_a_room_holds_back_what_they_hear_themselves_and_asks_no_worker() -> None:
    it, here, ana, _ = ana_and_ben("pause")
    cleo = here.enter("cleo", "listener", None, "es")
    here.says("ben")
    found = interrupts(here, (EARLY, 0.9))
    it.work("ben", 0, "es")

    assert [effect for effect in found if isinstance(effect, Control)] == []
    assert sound(here.told[ana]) == b""
    assert sound(here.told[cleo]) != b""
    interrupts(here, (QUIET, 0.0))
    assert sound(here.told[ana]) == sound(here.told[cleo])


def test_a_stop_in_a_room_silences_what_is_being_heard_and_not_what_comes_next() -> None:
    it, here, ana, _ = ana_and_ben("stop")
    here.says("ben")
    here.says("ben")
    it.write(
        Event("text", "stt", "ben", 0, text="go", language="en"),
        Event("text", "translation", "ben", 0, target="es", text="va"),
        Event("audio", "tts", "ben", 0, target="es", pcm=bytes(4_800), rate=24_000),
    )
    interrupts(here, (5, 0.9))
    begun = len(here.told[ana])
    it.write(Event("audio", "tts", "ben", 0, index=1, target="es", pcm=bytes(4_800), rate=24_000))
    it.work("ben", 1, "es")
    interrupts(here, (QUIET, 0.0))

    played = {effect.segment for effect in here.told[ana][begun:] if isinstance(effect, Play)}
    assert played == {numbered(2, 1)}
