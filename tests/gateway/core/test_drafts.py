"""Drafts in the core: nobody hears of one, until it is what was said after all."""

from __future__ import annotations

from bridge.types import Event
from gateway.core import inputs
from gateway.core.effects import Done, Drop, Effect, Play, Say, SpeechStopped, Submit, Transcript, Translation
from gateway.core.room import effects_of
from tests.gateway.core.bench import DRAFTED, SILENT, VOICED, Bench, decisions, drafting, submits
from tests.gateway.events import RATE, SESSION, said, speech


def stt(text: str = "words", revision: int = 0, **values: object) -> Event:
    return Event("text", "stt", SESSION, 0, revision, text=text, language="en", **values)  # type: ignore[arg-type]


def translated(revision: int = 0) -> Event:
    return Event("text", "translation", SESSION, 0, revision, target="es", text="palabras")


def spoken(revision: int = 0) -> list[Event]:
    pcm = speech(0, 0, 0, 8)
    piece = Event("audio", "tts", SESSION, 0, revision, target="es", pcm=pcm, rate=RATE, last=True)
    return [piece, Event("done", "tts", SESSION, 0, revision, target="es", index=1, rate=RATE)]


def all_of(revision: int = 0) -> list[Event]:
    return [stt(revision=revision), translated(revision), *spoken(revision)]


def heard(found: list[Effect]) -> list[Say | Play]:
    return [effect for effect in found if isinstance(effect, Say | Play)]


def test_the_first_silence_sends_the_segment_as_a_draft() -> None:
    made = Bench("es", drafts=True)
    found = made.hears((VOICED, 0.9), (DRAFTED, 0.0))
    (submit,) = submits(found)
    (decision,) = decisions(found, "draft")
    assert submit.urgency == "draft"
    assert submit.work.draft and submit.work.revision == 0
    assert (decision.segment, decision.revision) == (0, 0)
    assert len(submit.pcm) == 2 * (decision.end - decision.start)


def test_nothing_of_a_draft_is_told_before_the_end_is_certain() -> None:
    made = drafting("es")
    assert heard(made.says(*all_of())) == []


def test_a_draft_that_is_ready_is_heard_in_the_moment_of_the_cut_and_nothing_is_sent_again() -> None:
    made = drafting("es")
    made.says(*all_of())
    found = made.hears((SILENT - DRAFTED, 0.0))
    assert [type(effect.what) for effect in heard(found) if isinstance(effect, Say)][:3] == [
        SpeechStopped,
        Transcript,
        Translation,
    ]
    assert any(isinstance(effect, Play) for effect in found)
    assert said(found)[-1] == said(found, Done)[0]
    assert submits(found) == []


def test_the_rest_of_a_draft_is_heard_as_it_comes_once_the_segment_is_cut() -> None:
    made = drafting("es")
    made.says(stt())
    cut = made.hears((SILENT - DRAFTED, 0.0))
    assert said(cut, Transcript) and not said(cut, Translation)
    rest = made.says(translated(), *spoken())
    assert said(rest, Translation) and said(rest, Done)


def test_speech_that_goes_on_drops_the_draft_and_what_still_comes_of_it_is_not_heard() -> None:
    made = drafting("es")
    found = made.hears((4, 0.9))
    assert Drop(0, 0) in found
    assert decisions(found, "dropped")[0].revision == 0
    assert heard(made.says(*all_of())) == []
    cut = made.hears((SILENT, 0.0))
    (submit,) = submits(cut)
    assert (submit.urgency, submit.work.revision, submit.work.draft) == ("final", 1, False)
    assert heard(made.says(*all_of(0))) == []
    assert said(made.says(*all_of(1)), Done)


def test_each_pause_makes_a_draft_of_its_own() -> None:
    made = drafting("es")
    made.hears((4, 0.9))
    (submit,) = submits(made.hears((DRAFTED, 0.0)))
    assert (submit.urgency, submit.work.revision) == ("draft", 1)
    made.says(*all_of(1))
    assert said(made.hears((SILENT - DRAFTED, 0.0)), Done)


def test_a_draft_that_nobody_has_room_for_is_forgotten_and_the_segment_is_sent_when_it_is_cut() -> None:
    made = drafting("es")
    found = made.give(inputs.Unsent(0, "stt", None, "no slot is free for a draft"))
    assert decisions(found, "dropped")
    (submit,) = submits(made.hears((SILENT - DRAFTED, 0.0)))
    assert (submit.urgency, submit.work.revision) == ("final", 1)


def test_a_draft_that_fails_is_no_failure_of_the_segment() -> None:
    made = drafting("es")
    failed = Event("failed", "stt", SESSION, 0, code="audio", message="No.", retryable=False)
    assert heard(made.says(failed)) == []
    (submit,) = submits(made.hears((SILENT - DRAFTED, 0.0)))
    assert submit.work.revision == 1
    assert said(made.says(*all_of(1)), Done)


def test_a_draft_without_words_ends_the_segment_without_words() -> None:
    made = drafting("es")
    made.says(stt(""))
    found = made.hears((SILENT - DRAFTED, 0.0))
    assert [transcript.text for transcript in said(found, Transcript)] == [""]
    assert said(found, Done) and submits(found) == []


def test_a_promoted_draft_whose_worker_vanishes_is_sent_again_as_a_final() -> None:
    made = drafting("es")
    made.sent(0, stt="stt.a", translation="translation.a", tts="tts.a")
    made.says(Event("started", "stt", SESSION, 0, worker="w"))
    made.hears((SILENT - DRAFTED, 0.0))
    found = made.give(inputs.Vanished("w", "stt.a", True))
    (submit,) = submits(found)
    assert (submit.work.attempt, submit.work.draft, submit.urgency) == (1, False, "final")


def test_stopping_what_is_said_drops_the_draft_of_the_running_segment_at_its_cut() -> None:
    made = drafting("es")
    made.hears((SILENT - DRAFTED - 2, 0.0))
    made.give(inputs.Stop())
    found = made.hears((2, 0.0))
    assert Drop(0, 0) in found
    assert submits(found) == [] and said(found, Done)


def test_a_recording_that_comes_all_at_once_makes_no_drafts() -> None:
    made = Bench("es", drafts=True)
    found = made.hears(*[(VOICED, 0.9), (SILENT, 0.0)] * 10)
    assert {submit.urgency for submit in submits(found)} == {"final"}


def test_a_second_gateway_that_folds_the_journal_comes_to_the_same_frames() -> None:
    made = drafting("es")
    found = [*made.says(*all_of()[:2]), *made.hears((4, 0.9), (DRAFTED, 0.0))]
    found += made.says(*all_of(1))
    found += made.hears((SILENT - DRAFTED, 0.0))
    again = made.fresh()
    folded = [effect for entry in made.journal.entries for effect in effects_of(again.handle(entry, 0.0))]
    assert heard(folded) == heard([effect for _, _, effects in made.record for effect in effects])
    assert heard(found)


def test_work_of_a_draft_that_is_sent_again_stays_a_draft() -> None:
    made = drafting("es")
    found = made.says(Event("failed", "stt", SESSION, 0, code="busy", message="Busy.", retryable=True))
    assert submits(found) == []
    (submit,) = submits(made.give(inputs.Tick(), now=made.now + 0.4))
    assert isinstance(submit, Submit)
    assert (submit.urgency, submit.work.draft, submit.work.attempt) == ("draft", True, 1)


def test_the_last_word_on_a_segment_counts_the_drafts_that_were_begun_in_vain() -> None:
    made = drafting("es")
    made.hears((4, 0.9), (DRAFTED, 0.0))
    made.hears((4, 0.9), (SILENT, 0.0))
    (done,) = said(made.says(*all_of(2)), Done)
    assert done.drafts_dropped == 2


def test_what_comes_of_a_dropped_draft_before_the_journal_knows_is_not_taken_for_the_next_one() -> None:
    made = Bench("es", drafts=True, echo=False)

    def write() -> None:
        waiting, made.unwritten = made.unwritten, []
        made.says(*waiting)

    made.hears((VOICED, 0.9), (DRAFTED, 0.0))
    write()
    made.hears((4, 0.9), (DRAFTED, 0.0))
    assert made.says(stt("words of the first", revision=0)) == []
    write()
    made.says(*all_of(1))
    made.hears((SILENT - DRAFTED, 0.0))
    waiting, made.unwritten = made.unwritten, []
    assert [transcript.text for transcript in said(made.says(*waiting), Transcript)] == ["words"]


def test_a_cut_for_length_takes_no_draft_for_what_it_cut() -> None:
    made = Bench("es", drafts=True)
    (draft,) = submits(made.hears((119, 0.9), (DRAFTED, 0.0)))
    assert draft.urgency == "draft"
    found = made.hears((3, 0.0))
    assert Drop(0, 0) in found
    (submit,) = submits(found)
    assert (submit.urgency, submit.work.revision) == ("final", 1)
    assert submit.pcm != draft.pcm
