"""What a speaker's work is sent again for, what is given up, and what of it is left to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from bridge.types import SPEECH_RATE, Stage, item_name
from gateway.core import inputs
from gateway.core.deadlines import GRACE
from gateway.core.effects import Append, Done, Effect, Failed, Free, SpeechEnds, Submit, Supersede
from tests.gateway.core.bench import NOW, Bench, bench, decisions, submits
from tests.gateway.events import (
    SESSION,
    audio,
    done,
    failed,
    heard,
    said,
    spoken,
    started,
    translated,
    whole,
)


def again(found: Iterable[Effect]) -> list[tuple[int, Stage | None, str | None, int, str]]:
    return [(d.segment, d.stage, d.target, d.attempt, d.message) for d in decisions(found, "again")]


# --- sent again ---


def test_what_no_worker_takes_is_sent_again_after_the_queue_limit() -> None:
    made = bench()
    assert again(made.give(inputs.Tick(), NOW + 29.9)) == []

    found = made.give(inputs.Tick(), NOW + 30)
    assert again(found) == [(0, "stt", None, 1, "no worker took it")]
    (submit,) = submits(found)
    assert (submit.work.attempt, submit.left, submit.stage) == (1, 30, "stt")
    assert submit.pcm
    kinds = [type(effect) for effect in found]
    assert kinds.index(Free) < kinds.index(Append) < kinds.index(Supersede) < kinds.index(Submit)
    assert Supersede(0, 0, "stt", None, 1) in found


def test_a_silent_worker_is_waited_for_until_the_run_limit() -> None:
    made = bench()
    made.says(started(0), now=NOW + 1)
    limit = NOW + 11 + submits_length(made)

    assert again(made.give(inputs.Tick(), limit - 0.1)) == []
    assert again(made.give(inputs.Tick(), limit)) == [(0, "stt", None, 1, "its worker went silent")]


def submits_length(made: Bench) -> float:
    """Seconds of speech in the first segment: transcription has that much longer."""
    cut = next(d for _, _, found in made.record for d in decisions(found, "cut"))
    return (cut.end - cut.start) / SPEECH_RATE


def test_a_worker_that_lives_and_runs_the_work_is_no_reason_to_send_it_again() -> None:
    made = bench()
    made.says(started(0), now=NOW + 1)
    made.give(inputs.Looked({item_name(SESSION, 0, 0, "stt", None, 0)}))
    for second in range(2, 50):
        assert submits(made.give(inputs.Tick(), NOW + second)) == []

    made.give(inputs.Looked(set()))
    assert again(made.give(inputs.Tick(), NOW + 59)) == [(0, "stt", None, 1, "its worker went silent")]


def test_what_a_vanished_worker_ran_is_sent_again_at_once() -> None:
    made = bench(2)
    made.says(started(0, worker="w1"), started(1, worker="w2"))

    found = made.give(inputs.Vanished("w1", "stt.a", elsewhere=True), NOW + 2)
    assert again(found) == [(0, "stt", None, 1, "its worker vanished")]


def test_what_waits_for_a_vanished_worker_goes_elsewhere_at_once() -> None:
    made = bench(2)
    made.says(heard(0))

    found = made.give(inputs.Vanished("w1", "translation.a", elsewhere=True), NOW + 2)
    assert again(found) == [(0, "translation", "es", 1, "the worker of its queue vanished")]


def test_what_comes_only_later_to_a_queue_that_nobody_serves_any_more_is_sent_again_at_once() -> None:
    """Its queue was chosen when it was cut; the worker was ended while the stage before ran."""
    made = bench()
    made.says(started(0))
    assert submits(made.give(inputs.Vanished("w1", "translation.a", elsewhere=True), NOW + 2)) == []

    found = made.says(heard(0), now=NOW + 3) + made.give(inputs.Tick(), NOW + 3)
    assert again(found) == [(0, "translation", "es", 1, "the worker of its queue vanished")]
    queues: dict[inputs.Key, str] = {(0, "translation", "es"): "translation.b", (0, "tts", "es"): "tts.a"}
    made.give(inputs.Sent(0, "translation", "es", queues))
    assert again(made.give(inputs.Tick(), NOW + 4)) == []


def test_what_waits_where_others_serve_the_queue_is_given_a_moment() -> None:
    made = bench()
    assert submits(made.give(inputs.Vanished("w1", "stt.a", elsewhere=False), NOW + 2)) == []

    found = made.give(inputs.Tick(), NOW + 2 + GRACE)
    assert again(found) == [(0, "stt", None, 1, "the worker of its queue vanished")]


def test_a_worker_that_is_none_of_ours_vanishes_unnoticed() -> None:
    made = bench()
    made.says(started(0, worker="w1"))

    assert made.give(inputs.Vanished("w9", "stt.z", elsewhere=True), NOW + 2) == []


def test_failures_are_tried_again_after_a_pause_that_grows_until_attempts_are_used_up() -> None:
    made = bench(pause=0.5)
    made.says(failed(0, "stt", None), now=NOW + 1)
    assert submits(made.give(inputs.Tick(), NOW + 1.4)) == []
    assert again(made.give(inputs.Tick(), NOW + 1.5)) == [(0, "stt", None, 1, "it failed")]
    made.says(failed(0, "stt", None, 1), now=NOW + 2)
    assert submits(made.give(inputs.Tick(), NOW + 2.9)) == []
    assert again(made.give(inputs.Tick(), NOW + 3)) == [(0, "stt", None, 2, "it failed")]

    found = made.says(failed(0, "stt", None, 2), now=NOW + 4)
    assert said(found, Failed) == [Failed(0, None, "stt", "broken", "It broke.", True)]
    assert made.speaker.hungry and made.speaker.unheard() == []


def test_speech_that_failed_is_asked_of_somebody_else_first() -> None:
    made = bench(pause=0.5)
    made.says(heard(0), translated(0), replace(failed(0), provider="azure"), now=NOW + 1)

    (submit,) = submits(made.give(inputs.Tick(), NOW + 2))
    assert (submit.stage, submit.work.attempt, submit.work.avoid) == ("tts", 1, "azure")


def test_a_failure_that_would_repeat_itself_is_told_at_once() -> None:
    found = bench().says(failed(0, "stt", None, retryable=False))

    assert said(found, Failed) == [Failed(0, None, "stt", "broken", "It broke.", False)]
    assert len(said(found, Done)) == 1


def test_a_target_that_fails_leaves_the_others() -> None:
    made = bench(1, "es", "ca")
    made.says(heard(0), translated(0, "es"), translated(0, "ca"))
    found = made.says(failed(0, "tts", "es", retryable=False))

    assert said(found, Failed, Done) == [Failed(0, "es", "tts", "broken", "It broke.", False)]
    assert len(said(made.says(*spoken(0, "ca")), SpeechEnds, Done)) == 2


def test_attempts_used_up_are_told_with_the_reason() -> None:
    made = bench(queue=1, attempts=2)
    made.give(inputs.Tick(), NOW + 1)
    made.sent(0)
    (failure,) = said(made.give(inputs.Tick(), NOW + 2), Failed)

    assert (failure.segment, failure.target, failure.stage, failure.code) == (0, None, "stt", "timed_out")
    assert failure.message == "The stt stage gave no result: no worker took it, 2 times."
    assert failure.retryable


def test_what_comes_too_late_is_given_up_whatever_attempts_are_left() -> None:
    made = bench(1, "es", "ca")
    made.says(heard(0), translated(0, "es"), *spoken(0, "es"), now=NOW + 50)
    (failure,) = said(made.give(inputs.Tick(), NOW + 60), Failed)

    assert (failure.target, failure.stage) == ("ca", "translation")
    assert (
        failure.message == "The translation stage gave no result: it would come too late: no worker took it."
    )


def test_work_that_cannot_be_sent_is_tried_again_and_given_up_in_the_end() -> None:
    made = bench(sent=False, attempts=1)
    for second in range(59):
        made.give(inputs.Unsent(0, "stt", None, "No live worker serves stt."), NOW + second)
        assert len(submits(made.give(inputs.Tick(), NOW + second + 1))) == 1

    (failure,) = said(made.give(inputs.Tick(), NOW + 60), Failed)
    assert failure.message.endswith("it would come too late: it was not sent.")


def test_work_that_redis_lost_is_sent_again_at_once() -> None:
    made = bench(2)
    made.says(*whole(0), started(1))

    assert again(made.give(inputs.Lost(), NOW + 5)) == [(1, "stt", None, 1, "Redis lost it")]


@pytest.mark.parametrize(
    ("code", "message"), [("", ""), ("broken", ""), ("", "It broke.")], ids=["neither", "code", "message"]
)
def test_no_failure_is_told_without_a_code_and_a_message(code: str, message: str) -> None:
    found = bench().says(failed(0, "stt", None, retryable=False, code=code, message=message))
    (failure,) = said(found, Failed)

    assert failure.code and failure.message
    assert not failure.message.endswith(": .")


# --- what is left to do ---


def test_translation_is_sent_again_with_the_transcript_and_for_its_target_alone() -> None:
    made = bench(1, "es", "ca")
    made.says(heard(0, "good morning"))
    made.says(started(0, "translation", "ca"), now=NOW + 1)
    (submit,) = submits(made.give(inputs.Tick(), NOW + 11))

    work = submit.work
    assert (submit.stage, work.target, work.text, work.source) == ("translation", "ca", "good morning", "en")
    assert [target.language for target in submit.targets] == ["ca"]
    assert submit.pcm == b""


def test_speech_is_sent_again_from_the_sentence_that_was_cut_off() -> None:
    made = bench()
    made.says(heard(0), translated(0, text="Uno. Dos."), *spoken(0, sentences=(2, 2))[:3])
    found = made.give(inputs.Vanished("w", "tts.a", elsewhere=True), NOW + 2)

    (submit,) = submits(found)
    assert (submit.stage, submit.work.text, submit.work.sentence) == ("tts", "Uno. Dos.", 1)
    assert decisions(found, "again")[0].sentence == 1


def test_speech_of_which_a_part_was_lost_is_sent_again() -> None:
    made = bench(pause=0.5)
    made.says(heard(0), translated(0), audio(0, 0), done(0, 2), now=NOW + 1)

    assert again(made.give(inputs.Tick(), NOW + 1.5)) == [(0, "tts", "es", 1, "it failed")]


def test_while_an_attempt_is_heard_its_own_worker_is_watched() -> None:
    made = bench()
    made.says(heard(0), translated(0))
    assert again(made.give(inputs.Tick(), NOW + 30)) == [(0, "tts", "es", 1, "no worker took it")]
    made.sent(0, "tts", tts="tts.b")
    made.says(audio(0, 0, worker="w0"), started(0, "tts", "es", 1, worker="w1"), now=NOW + 31)

    assert made.give(inputs.Vanished("w1", "tts.b", elsewhere=True), NOW + 32) == []
    found = made.give(inputs.Vanished("w0", "tts.a", elsewhere=True), NOW + 33)
    assert again(found) == [(0, "tts", "es", 2, "its worker vanished")]
