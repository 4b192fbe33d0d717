"""What becomes of a segment, by what stands before it and by the time that is left."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.types import Event, Stage
from gateway.core.service import Service
from gateway.core.triage import Forecast, Line, Lines, Treatment, forecast, treat
from tests.gateway.events import SESSION

STT, TRANSLATION, TTS = 0.4, 0.2, 0.1


def service(quick: float = 0.5) -> Service:
    """Engines that take their time, and less of it with the least effort."""
    made = Service()
    times: dict[Stage, float] = {"stt": STT, "translation": TRANSLATION, "tts": TTS}
    for stage, seconds in times.items():
        for share, hurried in ((1.0, False), (quick, True)):
            ms = seconds * 1000 * (1.0 if stage == "tts" else share)
            for kind in ("audio", "done") if stage == "tts" else ("text",):
                made.note(Event(kind, stage, SESSION, 0, running_ms=ms, quick=hurried), f"{stage}.a")
    return made


def lines(stt: int = 0, translation: int = 0, tts: int = 0, slots: int = 1, targets: str = "es") -> Lines:
    found: dict[tuple[Stage, str | None], Line] = {("stt", None): Line("stt.a", stt, slots)}
    for target in targets.split():
        found["translation", target] = Line("translation.a", translation, slots)
        found["tts", target] = Line("tts.a", tts, slots)
    return found


def test_an_idle_system_takes_the_time_of_its_engines() -> None:
    found = forecast(lines(), service(), quick=False)["es"]
    assert found.words == pytest.approx(STT + TRANSLATION)
    assert found.speech == found.soonest == pytest.approx(STT + TRANSLATION + TTS)


def test_what_stands_at_a_queue_is_waited_for_and_half_of_what_runs_is_done() -> None:
    found = forecast(lines(stt=3), service(), quick=False)["es"]
    assert found.words == pytest.approx(2.5 * STT + STT + TRANSLATION)


def test_two_queues_are_waited_for_at_the_same_time() -> None:
    """What stands at tts is done while the segment is at the stages before."""
    found = forecast(lines(stt=3, tts=5), service(), quick=False)["es"]
    assert found.speech == pytest.approx(found.words + TTS)


def test_a_free_slot_makes_nobody_wait() -> None:
    assert forecast(lines(stt=3, slots=4), service(), quick=False) == forecast(
        lines(), service(), quick=False
    )


def test_targets_of_one_segment_wait_for_each_other() -> None:
    found = forecast(lines(targets="es ca"), service(), quick=False)
    assert found["ca"].words == pytest.approx(found["es"].words + 0.5 * TRANSLATION, abs=0.11)
    assert found["ca"].words >= found["es"].words


def test_a_segment_that_nobody_hears_in_another_language_has_its_transcript_only() -> None:
    assert forecast({("stt", None): Line("stt.a", 0, 1)}, service(), quick=False) == {
        "": Forecast(STT, STT, STT)
    }


def treated(
    left: float,
    *,
    muted: str = "",
    crowded: bool = True,
    quick: bool = False,
    stt: int = 0,
    tts: int = 0,
) -> Treatment:
    made, at = service(), lines(stt, tts=tts)
    return treat(
        left,
        forecast(at, made, quick=False),
        forecast(at, made, quick=True),
        quick=quick,
        muted=frozenset(muted.split()),
        crowded=crowded,
    )


def test_what_comes_in_time_is_made_with_full_effort() -> None:
    assert treated(1.0) == Treatment()


def test_less_effort_comes_before_no_speech() -> None:
    assert treated(0.5) == Treatment(quick=True)


def test_quality_is_left_out_of_all_under_pressure() -> None:
    assert treated(10.0, quick=True) == Treatment(quick=True)


def test_speech_is_left_out_where_only_words_come_in_time() -> None:
    assert treated(2.0, tts=40) == Treatment(quick=True, mute=frozenset({"es"}))


def test_what_comes_too_late_is_not_made_at_all() -> None:
    assert treated(2.0, stt=20) == Treatment(quick=True, drop=True)
    assert treated(-1.0) == Treatment(quick=True, drop=True)


def test_a_transcript_alone_is_left_out_too_where_it_comes_too_late() -> None:
    at: Lines = {("stt", None): Line("stt.a", 20, 1)}
    found = forecast(at, service(), quick=True)
    assert treat(2.0, found, found).drop


def test_words_that_nobody_will_hear_do_not_hold_up_those_that_can_be_heard() -> None:
    """Of one stt engine the next segment has more, which still can be spoken."""
    just_missed = (STT + TRANSLATION) / 2 + TTS / 2
    assert treated(just_missed).drop
    assert treated(just_missed, crowded=False) == Treatment(quick=True, mute=frozenset({"es"}))


def test_words_that_hold_up_nobody_are_made_however_late() -> None:
    """After an outage of Redis, for example: what was said meanwhile is read, not heard."""
    assert treated(-1.0, crowded=False) == Treatment(quick=True, mute=frozenset({"es"}))


def test_a_lane_that_lost_its_speech_gets_it_back_when_it_comes_well_in_time() -> None:
    assert treated(1.8, tts=15, muted="es").mute == {"es"}
    assert treated(1.8, tts=15).mute == set()
    assert treated(4.0, tts=15, muted="es").mute == set()


def test_it_gets_it_back_also_where_stt_is_what_all_wait_for() -> None:
    """Its words come late as well then: nothing is gained by leaving out their speech."""
    assert treated(STT + TRANSLATION + 3 * TTS, muted="es").mute == set()


@settings(max_examples=50, deadline=None)
@given(left=st.floats(0.0, 20), stt=st.integers(0, 40), tts=st.integers(0, 200), slots=st.integers(1, 4))
def test_nothing_is_spoken_that_is_foreseen_to_come_late(left: float, stt: int, tts: int, slots: int) -> None:
    made, at = service(), lines(stt=stt, tts=tts, slots=slots)
    usual, hurried = forecast(at, made, quick=False), forecast(at, made, quick=True)
    found = treat(left, usual, hurried)
    seen = hurried if found.quick else usual
    if not found.drop and not found.mute:
        assert seen["es"].speech <= left
    if not found.drop:
        assert seen["es"].soonest <= left
    if found.drop or found.mute:
        assert hurried["es"].speech > left
