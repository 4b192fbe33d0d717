"""What is cut under which terms, what is sent, sent again or given up, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from bridge.types import SPEECH_RATE, Decision, Stage, item_name
from gateway.core import inputs
from gateway.core.deadlines import GRACE
from gateway.core.effects import (
    Append,
    Cancel,
    Done,
    Effect,
    Ended,
    Failed,
    Forget,
    Free,
    SpeechEnds,
    Submit,
    Supersede,
    Transcript,
)
from gateway.core.quiet import WINDOW
from tests.gateway.core.bench import NOW, PATIENCE, SILENT, VOICED, Bench, terms
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

WINDOW_SECONDS = WINDOW / SPEECH_RATE


def decisions(found: Iterable[Effect], *kinds: str) -> list[Decision]:
    made = [effect.decision for effect in found if isinstance(effect, Append)]
    return [decision for decision in made if not kinds or decision.kind in kinds]


def submits(found: Iterable[Effect]) -> list[Submit]:
    return [effect for effect in found if isinstance(effect, Submit)]


def again(found: Iterable[Effect]) -> list[tuple[int, Stage | None, str | None, int, str]]:
    return [(d.segment, d.stage, d.target, d.attempt, d.message) for d in decisions(found, "again")]


def bench(segments: int = 1, *targets: str, sent: bool = True, **changes: float) -> Bench:
    """So many segments cut at NOW and sent: to the queues `stt.a`, `translation.a` and `tts.a`."""
    made = Bench(*targets, patience=replace(PATIENCE, **changes))  # type: ignore[arg-type]
    for segment in range(segments):
        made.segment()
        if sent:
            made.sent(segment, stt="stt.a", translation="translation.a", tts="tts.a")
    return made


# --- cutting ---


def test_a_segment_is_decided_and_sent_with_its_speech() -> None:
    made = Bench("es", "ca")
    found = made.segment()

    (began, cut) = decisions(found)
    (submit,) = submits(found)
    assert (began.kind, began.segment, cut.kind, cut.segment) == ("began", 0, "cut", 0)
    assert [target.language for target in cut.targets] == ["es", "ca"]
    assert (cut.start, cut.speech_end, cut.source) == (0, VOICED * WINDOW, "en")
    assert submit.stage == "stt" and submit.targets == cut.targets and submit.left == PATIENCE.total
    assert submit.work.session == submit.work.room == SESSION
    assert len(submit.pcm) == 2 * (cut.end - cut.start)
    assert found.index(submit) > found.index(Append(cut))


def test_a_commit_cuts_at_once() -> None:
    made = Bench()
    assert submits(made.hears((2, 0.9))) == []

    found = made.give(inputs.Commit())
    assert [d.kind for d in decisions(found)] == ["began", "cut"]
    assert len(submits(found)) == 1


def test_the_endpoint_counts_from_the_arrival_of_the_last_voiced_sample() -> None:
    made = Bench()
    for number in range(VOICED + SILENT):
        found = made.hears((1, 0.9 if number < VOICED else 0.0), now=NOW + number * WINDOW_SECONDS)
        if decisions(found, "cut"):
            break

    (cut,) = decisions(found, "cut")
    assert cut.endpoint_ms == pytest.approx(10 * WINDOW_SECONDS * 1000, abs=0.01)


def test_the_endpoint_counts_from_arrival_though_the_audio_was_judged_later() -> None:
    made = Bench()
    pcm = bytes(WINDOW * 2 * (VOICED + SILENT))
    made.give(inputs.Arrived(VOICED * WINDOW), NOW)
    made.give(inputs.Arrived((VOICED + SILENT) * WINDOW), NOW + 0.4)
    (cut,) = decisions(made.give(inputs.Windows(pcm, (0.9,) * VOICED + (0.0,) * SILENT), NOW + 3), "cut")

    assert cut.endpoint_ms == 3000


def test_somebody_who_speaks_is_live_and_what_comes_faster_than_speech_is_a_recording() -> None:
    live, recorded = Bench(), Bench()
    seconds = (VOICED + SILENT) * WINDOW_SECONDS
    for number in range(20):
        assert submits(live.segment(now=NOW + number * seconds))[0].live

    recorded.give(inputs.Arrived(SPEECH_RATE * 60), NOW)
    recorded.samples = SPEECH_RATE * 60
    pcm = bytes(WINDOW * 2 * (VOICED + SILENT))
    found = recorded.give(inputs.Windows(pcm, (0.9,) * VOICED + (0.0,) * SILENT), NOW + 0.1)
    assert not submits(found)[0].live


def test_a_speaker_whose_audio_waited_for_the_network_is_still_live() -> None:
    made = Bench()
    made.give(inputs.Arrived(SPEECH_RATE), NOW)
    made.give(inputs.Arrived(SPEECH_RATE * 30), NOW + 30)
    pcm = bytes(WINDOW * 2 * (VOICED + SILENT))

    assert submits(made.give(inputs.Windows(pcm, (0.9,) * VOICED + (0.0,) * SILENT), NOW + 30))[0].live


def test_the_session_is_hungry_until_as_many_segments_are_in_work_as_it_may_have() -> None:
    made = Bench(most=2)
    made.segment()
    assert made.room.speaker.hungry
    made.segment()
    assert not made.room.speaker.hungry
    made.says(*whole(0))
    assert made.room.speaker.hungry


# --- terms ---


def test_the_segment_that_is_spoken_keeps_its_language_and_the_next_one_has_the_other() -> None:
    made = Bench("es")
    made.hears((VOICED, 0.9))
    made.give(inputs.Update(terms("ca", source="fr")))

    (first,) = decisions(made.hears((SILENT, 0.0)), "cut")
    (second,) = decisions(made.segment(), "cut")
    assert (first.source, first.targets[0].language) == ("en", "es")
    assert (second.source, second.targets[0].language) == ("fr", "ca")


def test_speech_that_is_not_certain_yet_keeps_its_language_too() -> None:
    made = Bench("es")
    made.hears((1, 0.9))
    made.give(inputs.Update(terms("ca")))

    (cut,) = decisions(made.hears((VOICED, 0.9), (SILENT, 0.0)), "cut")
    assert cut.targets[0].language == "es"


def test_terms_hold_at_once_in_silence() -> None:
    made = Bench("es")
    made.hears((5, 0.0))
    made.give(inputs.Update(terms("ca")))

    assert made.room.speaker.terms == made.room.speaker.agreed == terms("ca")
    assert decisions(made.segment(), "cut")[0].targets[0].language == "ca"


@pytest.mark.parametrize("sizes", [[40], [1] * 40, [14, 26], [13, 27]])
def test_speech_after_noise_has_the_terms_that_came_during_the_noise_however_audio_is_divided(
    sizes: list[int],
) -> None:
    made = Bench("es")
    made.hears((1, 0.9))
    made.give(inputs.Update(terms("ca")))
    probabilities = [0.0] * 14 + [0.9] * 12 + [0.0] * 14
    found = []
    for size in sizes:
        found += made.hears(*((1, p) for p in probabilities[:size]))
        del probabilities[:size]

    assert [d.targets[0].language for d in decisions(found, "cut")] == ["ca"]


def test_a_long_speech_changes_its_terms_where_it_is_divided() -> None:
    made = Bench("es")
    made.hears((20, 0.9))
    made.give(inputs.Update(terms("ca")))

    found = made.hears((200, 0.9), (SILENT, 0.0))
    languages = [d.targets[0].language for d in decisions(found, "cut")]
    assert languages == ["es"] + ["ca"] * (len(languages) - 1)
    assert len(languages) > 1


def test_work_that_is_sent_again_keeps_the_terms_of_its_segment() -> None:
    made = bench()
    made.give(inputs.Update(terms("ca", source="fr")))
    (submit,) = submits(made.give(inputs.Tick(), NOW + 30))

    assert [target.language for target in submit.targets] == ["es"] and submit.work.source == "en"


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
    assert Supersede(0, "stt", None, 1) in found


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
    made.give(inputs.Looked({item_name(SESSION, 0, "stt", None, 0)}))
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
    assert made.room.speaker.hungry and made.room.speaker.unheard() == []


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


# --- the end of a segment ---


def test_what_a_segment_left_in_redis_is_removed_as_soon_as_it_is_not_needed() -> None:
    made = bench()
    assert made.room.speaker.unheard() == [(0, 0)]
    assert Forget(0, 0) in made.says(heard(0))
    assert made.room.speaker.unheard() == []

    found = made.says(translated(0), *spoken(0))
    assert Forget(0, 0) in found


def test_numbers_of_attempts_are_settled_with_their_segment() -> None:
    made = bench()
    made.give(inputs.Tick(), NOW + 30)
    found = made.says(*whole(0, attempt=1))

    assert [e.superseded for e in found if isinstance(e, Forget)][-1] == ((0, "stt", None),)


def test_all_room_in_the_queues_is_given_back() -> None:
    made = bench(1, "es", "ca")
    found = made.says(*whole(0, "es", "ca"))
    freed = {key for effect in found if isinstance(effect, Free) for key in effect.keys}

    assert {(0, "stt", None), (0, "translation", "es"), (0, "tts", "es"), (0, "tts", "ca")} <= freed


def test_nothing_said_settles_the_segment() -> None:
    made = bench()

    assert len(said(made.says(heard(0, "")), Done)) == 1
    assert made.room.speaker.next == float("inf")


def test_no_transcript_follows_a_failure() -> None:
    made = bench()
    made.says(failed(0, "stt", None, retryable=False))

    assert said(made.says(*whole(0)), Transcript) == []


@pytest.mark.parametrize("text", ["", "late"])
def test_a_transcript_that_stands_before_the_give_up_in_the_journal_holds_nothing_up(text: str) -> None:
    made = bench()
    made.echo = False
    made.says(failed(0, "stt", None, retryable=False))
    made.echo = True
    found = made.says(heard(0, text), *made.unwritten)

    assert len(said(found, Done)) == 1
    assert made.room.speaker.unheard() == []
    assert said(made.give(inputs.End()), Ended) == [Ended(1)]


def test_speech_that_is_whole_before_the_give_up_in_the_journal_is_heard_and_no_failure_told() -> None:
    made = bench()
    made.says(heard(0), translated(0), audio(0, 0, last=True))
    made.echo = False
    made.says(failed(0, retryable=False))
    made.echo = True

    assert [type(what) for what in said(made.says(done(0, 1), *made.unwritten))] == [SpeechEnds, Done]
    assert said(made.give(inputs.End()), Ended) == [Ended(1)]


def test_silenced_segments_are_not_wanted_any_more() -> None:
    made = bench(3)
    found = made.give(inputs.Stop())

    assert Cancel(3) in found
    assert len(said(found, Done)) == 3
    assert made.give(inputs.Tick(), NOW + 1000) == []
    assert made.says(*whole(1)) == []
