"""Live speech has a time by which it must be heard; what would come later is left out, and told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import inf

import pytest

from bridge.types import SAMPLE_BYTES, SPEECH_RATE, Work
from gateway.core import inputs
from gateway.core.effects import Done, Effect, Failed, Free, SpeechBegins, SpeechEnds, Translation
from gateway.core.lateness import RUNNING
from gateway.core.quiet import WINDOW
from gateway.core.segment import Segment
from tests.gateway.core.bench import DRAFTED, NOW, PATIENCE, SILENT, VOICED, Bench, bench, decisions, submits
from tests.gateway.core.checks import check_frames, frames
from tests.gateway.core.world import Trouble, World
from tests.gateway.events import (
    SESSION,
    Reading,
    audio,
    done,
    heard,
    said,
    spoken,
    started,
    translated,
    whole,
)

BUDGET = 5.0


def late(found: Iterable[Effect]) -> list[tuple[int, str | None, str | None]]:
    return [(d.segment, d.target, d.stage) for d in decisions(found, "gave_up") if d.code == "too_late"]


def shed(segment: int, *targets: str) -> inputs.Shed:
    return inputs.Shed(segment, targets or None, "It would come too late.")


def test_the_budget_of_a_segment_begins_with_the_end_of_its_speech() -> None:
    made = Bench(patience=replace(PATIENCE, lateness=BUDGET))
    silence = SILENT * WINDOW / SPEECH_RATE
    made.hears((12, 0.9), now=NOW)
    (submit,) = submits(made.hears((SILENT, 0.0), now=NOW + silence))
    assert submit.budget == pytest.approx(BUDGET - silence)


def test_a_recording_waits_for_as_long_as_it_takes() -> None:
    made = Bench(patience=replace(PATIENCE, lateness=BUDGET))
    probabilities = ((0.9,) * VOICED + (0.0,) * SILENT) * 5
    size = len(probabilities) // 5
    made.give(inputs.Arrived(len(probabilities) * WINDOW))  # all of it at once
    for segment in range(5):  # the last one when nothing more waits behind it
        pcm = bytes(size * WINDOW * SAMPLE_BYTES)
        found = made.give(inputs.Windows(pcm, probabilities[:size]), NOW + 10 * segment)
        assert [submit.budget for submit in submits(found)] == [inf]
        assert late(made.give(inputs.Tick(), NOW + 10 * segment + 9)) == []
        made.says(*whole(segment))


def test_without_a_budget_nothing_is_too_late() -> None:
    made = bench()
    assert submits(found for _, _, each in made.record for found in each)[0].budget == inf
    assert late(made.give(inputs.Tick(), NOW + 29)) == []


def test_speech_that_is_not_there_in_time_is_given_up_and_its_words_still_come() -> None:
    made = bench(lateness=BUDGET)
    assert late(made.give(inputs.Tick(), NOW + BUDGET - 0.1)) == []

    found = made.give(inputs.Tick(), NOW + BUDGET)
    assert late(found) == [(0, "es", "tts")]
    (failed,) = said(found, Failed)
    assert (failed.target, failed.code, failed.retryable) == ("es", "too_late", False)
    assert Free(((0, "tts", "es"),)) in found
    assert said(found, Done) == []

    found = made.says(heard(0), translated(0))
    assert [type(what) for what in said(found, Translation, Done)] == [Translation, Done]
    assert len(made.speaker._supervision) == 0


def test_words_that_were_there_before_end_the_segment_at_once() -> None:
    made = bench(lateness=BUDGET)
    made.says(heard(0), translated(0))
    found = made.give(inputs.Tick(), NOW + BUDGET)
    assert [type(what) for what in said(found)] == [Failed, Done]


def test_what_tts_makes_of_speech_given_up_is_not_heard() -> None:
    made = bench(lateness=BUDGET)
    made.give(inputs.Tick(), NOW + BUDGET)
    found = made.says(*whole(0))
    assert said(found, SpeechBegins) == []
    check_frames(frames([e for _, _, each in made.record for e in each]))


def test_speech_that_has_begun_is_heard_to_its_end() -> None:
    made = bench(lateness=BUDGET)
    made.says(heard(0), translated(0), audio(0, 0), now=NOW + BUDGET - 0.1)
    assert late(made.give(inputs.Tick(), NOW + BUDGET)) == []
    found = made.says(audio(0, 1, last=True), done(0, 2), now=NOW + BUDGET + 1)
    assert said(found, SpeechEnds) != []


def test_speech_that_an_engine_has_begun_in_time_is_waited_for() -> None:
    made = bench(lateness=BUDGET)
    made.says(heard(0), translated(0), started(0, "tts", "es"), now=NOW + BUDGET - 0.1)
    assert late(made.give(inputs.Tick(), NOW + BUDGET)) == []
    assert said(made.says(*spoken(0), now=NOW + BUDGET + 0.5), SpeechEnds) != []


def test_an_engine_that_dies_over_it_is_not_waited_for() -> None:
    made = bench(lateness=BUDGET)
    made.says(heard(0), translated(0), started(0, "tts", "es", worker="w"), now=NOW + BUDGET - 0.1)
    made.give(inputs.Tick(), NOW + BUDGET)
    made.give(inputs.Vanished("w", "tts.a", elsewhere=True), NOW + BUDGET + 0.1)
    assert late(made.give(inputs.Tick(), NOW + BUDGET + RUNNING)) == [(0, "es", "tts")]


def test_later_speech_does_not_wait_for_what_comes_too_late() -> None:
    made = Bench(patience=replace(PATIENCE, lateness=BUDGET))
    made.segment()
    made.sent(0)
    made.segment(now=NOW + 3)
    made.sent(1)
    found = made.says(*whole(1), now=NOW + 4)
    assert said(found, SpeechBegins) == []

    found = made.give(inputs.Tick(), NOW + BUDGET)
    assert [what.segment for what in said(found, SpeechBegins, SpeechEnds)] == [1, 1]
    assert said(made.says(heard(0), translated(0)), Translation) != []


def test_targets_that_were_not_sent_for_are_told_at_once_and_the_others_are_heard() -> None:
    made = bench(1, "es", "ca", lateness=BUDGET)
    found = made.give(shed(0, "ca"))
    assert late(found) == [(0, "ca", "tts")]
    assert late(made.give(shed(0, "ca"))) == []  # told once

    found = made.says(heard(0), translated(0, "ca"), *whole(0, "es"))
    assert {what.target for what in said(found, SpeechBegins)} == {"es"}
    assert {what.target for what in said(found, Translation)} == {"es", "ca"}
    assert len(said(found, Done)) == 1


def test_a_segment_that_was_not_sent_at_all_is_over() -> None:
    made = bench(lateness=BUDGET, sent=False)
    found = made.give(shed(0))
    assert late(found) == [(0, None, "stt")]
    assert [type(what) for what in said(found)] == [Failed, Done]
    assert len(made.speaker._supervision) == 0


def test_words_that_never_come_end_it_by_the_patience_for_all() -> None:
    made = bench(lateness=BUDGET)
    made.give(shed(0, "es"))
    found = made.give(inputs.Tick(), NOW + 60)
    assert [what.stage for what in said(found, Failed)] == ["stt"]
    assert len(said(found, Done)) == 1


def test_empty_words_end_it_too() -> None:
    made = bench(lateness=BUDGET)
    made.give(shed(0, "es"))
    assert len(said(made.says(heard(0, text="")), Done)) == 1


def test_work_sent_again_asks_for_no_speech_that_was_given_up() -> None:
    made = bench(lateness=BUDGET)
    made.says(heard(0), now=NOW + 0.1)
    made.give(shed(0, "es"))
    found = made.give(inputs.Vanished("w", "translation.a", elsewhere=True), NOW + 1)
    (submit,) = submits(found)
    assert submit.stage == "translation" and submit.mute == {"es"}


def test_a_gateway_that_takes_over_asks_for_the_words_alone() -> None:
    made = bench(lateness=BUDGET)
    made.says(heard(0))
    made.give(shed(0, "es"))
    (state,) = made.room.ledger(SESSION).open
    assert Segment.left(state, Work(SESSION, 0)).mute == {"es"}


def test_stop_ends_what_waits_for_its_words() -> None:
    made = bench(lateness=BUDGET)
    made.give(shed(0, "es"))
    found = made.give(inputs.Stop())
    assert [what.segment for what in said(found, Done)] == [0]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_goes_wrong_no_lane_waits_longer_than_its_budget(seed: int) -> None:
    trouble = Trouble(dies=0.1, silent=0.15, slow=0.15, twice=0.1, fails=0.1, loses=0.05)
    world = World(
        "es", "ca", seed=seed, trouble=trouble, patience=replace(PATIENCE, lateness=2.0, queue=3, run=4)
    )
    world.talk(12)
    world.run(400)
    assert world.ended
    check_frames(world.frames)
    reading = Reading()
    folded = [effect for entry in world.journal.entries for effect in reading.fold(entry)]
    assert frames(folded) == frames(world.frames)
    lost = said(world.frames, Failed)
    assert any(failed.code == "too_late" for failed in lost)


def test_a_draft_is_due_like_any_other_once_it_was_right_and_not_before() -> None:
    made = Bench(patience=replace(PATIENCE, lateness=BUDGET), drafts=True)
    made.hears((VOICED, 0.9), (DRAFTED, 0.0))
    made.sent(0)
    assert late(made.give(inputs.Tick(), NOW + BUDGET + 1)) == []
    made.hears((SILENT - DRAFTED, 0.0))
    assert late(made.give(inputs.Tick())) == [(0, "es", "tts")]
