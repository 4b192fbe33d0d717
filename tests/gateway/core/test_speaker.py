"""What is cut under which terms, and how a segment ends."""

from __future__ import annotations

import pytest

from bridge.types import SPEECH_RATE
from gateway.core import inputs
from gateway.core.effects import (
    Append,
    Cancel,
    Done,
    Ended,
    Forget,
    Free,
    SpeechEnds,
    Transcript,
)
from gateway.core.quiet import WINDOW
from tests.gateway.core.bench import NOW, PATIENCE, SILENT, VOICED, Bench, bench, decisions, submits, terms
from tests.gateway.events import SESSION, audio, done, failed, heard, said, spoken, translated, whole

WINDOW_SECONDS = WINDOW / SPEECH_RATE


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
    assert made.speaker.hungry
    made.segment()
    assert not made.speaker.hungry
    made.says(*whole(0))
    assert made.speaker.hungry


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

    assert made.speaker.terms == made.speaker.agreed == terms("ca")
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


# --- the end of a segment ---


def test_what_a_segment_left_in_redis_is_removed_as_soon_as_it_is_not_needed() -> None:
    made = bench()
    assert made.speaker.unheard() == [(0, 0)]
    assert Forget(0, 0) in made.says(heard(0))
    assert made.speaker.unheard() == []

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
    assert made.speaker.next == float("inf")


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
    assert made.speaker.unheard() == []
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


def test_audio_is_needed_until_its_segment_is_stored_for_whoever_takes_over() -> None:
    made = Bench()
    (cut,) = decisions(made.segment(), "cut")
    made.hears((60, 0.0))
    assert made.speaker.first == cut.start
    made.sent(0)
    assert made.speaker.first > cut.end
