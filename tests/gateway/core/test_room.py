"""One session: its wishes, the decisions it writes, and what it does when the journal loses some."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bridge.types import Decision, Entry
from gateway.core import inputs
from gateway.core.effects import (
    Append,
    Cancel,
    Done,
    Effect,
    Ended,
    Failed,
    Obeyed,
    Play,
    Purge,
    SpeechBegins,
    SpeechEnds,
    Submit,
    Timer,
)
from gateway.core.participant import CONFIRM
from gateway.core.sequencer import HELD_SEGMENTS
from tests.gateway.core.bench import NOW, PATIENCE, SILENT, VOICED, Bench, terms
from tests.gateway.events import RATE, audio, done, failed, heard, said, spoken, translated, whole


def appended(found: Iterable[Effect]) -> list[Decision]:
    return [effect.decision for effect in found if isinstance(effect, Append)]


def kinds(found: Iterable[Effect]) -> list[tuple[int, str]]:
    return [(decision.number, decision.kind) for decision in appended(found)]


def played(found: Iterable[Effect]) -> list[int]:
    """The segments that are heard."""
    return [effect.segment for effect in found if isinstance(effect, Play) and effect.pcm]


def timers(found: Iterable[Effect]) -> list[float]:
    return [effect.at for effect in found if isinstance(effect, Timer)]


def bench(segments: int = 0, *targets: str, most: int = 8) -> Bench:
    made = Bench(*targets, most=most)
    for number in range(segments):
        made.segment()
        made.sent(number, stt="stt.a", translation="translation.a", tts="tts.a")
    return made


# --- the session from its start to its end ---


def test_the_first_decision_of_all_is_that_the_session_listens() -> None:
    (joined,) = appended(bench().begun)

    assert (joined.number, joined.kind, joined.rate) == (0, "joined", RATE)
    assert joined.targets == terms("es").targets


def test_decisions_are_numbered_in_one_row() -> None:
    made = bench(2)
    made.give(inputs.Pause())
    made.give(inputs.Resume())
    made.give(inputs.Stop())
    made.give(inputs.End())

    written = [entry.item for entry in made.journal.entries if isinstance(entry.item, Decision)]
    assert [decision.number for decision in written] == list(range(len(written)))
    assert [decision.kind for decision in written] == (
        ["joined", *["began", "cut"] * 2, "paused", "resumed", "stopped", "ended"]
    )


def test_an_end_with_nothing_in_work_is_an_end_at_once() -> None:
    assert said(bench().give(inputs.End()), Ended) == [Ended(0)]


def test_the_end_cuts_what_is_being_said_and_waits_for_it() -> None:
    made = bench()
    made.hears((VOICED, 0.9))
    assert said(made.give(inputs.End()), Ended) == []

    assert said(made.says(*whole(0)))[-1] == Ended(1)


def test_the_end_waits_until_what_failed_is_told() -> None:
    made = bench(1)
    made.give(inputs.End())
    found = said(made.says(failed(0, "stt", None, retryable=False)))

    assert [type(what) for what in found] == [Failed, Done, Ended]


def test_the_last_window_is_judged_with_the_end() -> None:
    made = bench()
    made.hears((3, 0.9))
    pcm = bytes(600)
    made.give(inputs.Windows(pcm))
    found = made.give(inputs.End(0.9))

    (cut,) = [decision for decision in appended(found) if decision.kind == "cut"]
    assert cut.speech_end == 3 * 512 + 300


# --- pause, resume, stop ---


def test_wishes_are_obeyed_when_the_journal_says_so() -> None:
    made = bench()
    made.echo = False
    (paused,) = appended(made.give(inputs.Pause()))
    made.echo = True

    assert said(made.says(paused)) == [Obeyed("paused", paused.number)]


def test_a_pause_holds_speech_until_resume() -> None:
    made = bench(1)
    made.give(inputs.Pause())
    assert played(made.says(*whole(0))) == []
    found = made.give(inputs.Resume())

    assert played(found) == [0]
    assert said(found)[-1] == Obeyed("resumed", 4)


def test_an_end_in_a_pause_resumes_since_nobody_could_later() -> None:
    made = bench(1)
    made.give(inputs.Pause())
    made.says(*whole(0))
    found = made.give(inputs.End())

    assert played(found) == [0]
    assert [type(what) for what in said(found)] == [SpeechBegins, SpeechEnds, Done, Obeyed, Ended]


def test_a_pause_that_comes_after_the_end_swallows_nothing() -> None:
    made = bench(1)
    made.give(inputs.End())
    made.give(inputs.Pause())
    found = made.says(*whole(0))

    assert played(found) == [0]
    assert said(found)[-1] == Ended(1)


def test_a_give_up_in_a_pause_holds_nothing_up() -> None:
    made = bench(3, most=3)
    made.give(inputs.Pause())
    assert not made.speaker.hungry
    made.says(*whole(1))
    made.says(failed(0, "stt", None, retryable=False), failed(2, "stt", None, retryable=False))

    assert made.speaker.hungry
    found = made.give(inputs.End())
    assert played(found) == [1] and said(found)[-1] == Ended(3)


def test_a_session_that_is_paused_for_ever_stays_hungry_and_holds_no_more_than_its_bound() -> None:
    made = bench()
    made.give(inputs.Pause())
    dropped: list[Failed] = []
    for segment in range(HELD_SEGMENTS + 20):
        assert made.speaker.hungry
        made.segment()
        dropped += said(made.says(*whole(segment)), Failed)

    assert [failure.segment for failure in dropped] == list(range(20))
    assert played(made.give(inputs.Resume())) == list(range(20, HELD_SEGMENTS + 20))


def test_stop_silences_what_was_said_and_cancels_its_work() -> None:
    made = bench(2)
    made.says(heard(0), translated(0), audio(0, 0))
    found = made.give(inputs.Stop())

    assert Cancel(2) in found and Purge(2) in found
    assert [type(what) for what in said(found)] == [SpeechEnds, Done, Done, Obeyed]
    assert made.speaker.hungry
    assert played(made.says(audio(0, 1), *whole(1))) == []


def test_what_is_said_after_a_stop_is_heard() -> None:
    made = bench(1)
    made.give(inputs.Stop())
    made.segment()

    assert played(made.says(*whole(1))) == [1]


def test_stop_silences_what_still_waits_to_be_cut() -> None:
    made = bench(1, most=1)
    assert not made.speaker.hungry
    later = (VOICED + SILENT) * 512
    made.samples += later
    made.give(inputs.Arrived(made.samples))  # a whole segment waits at the bound
    made.give(inputs.Stop())
    assert made.speaker.hungry

    found = made.give(inputs.Windows(bytes(2 * later), (0.9,) * VOICED + (0.0,) * SILENT))
    assert [effect for effect in found if isinstance(effect, Submit)] == []
    assert [(decision.kind, decision.targets) for decision in appended(found)] == [("began", ()), ("cut", ())]
    assert len(said(found, Done)) == 1
    assert played([*made.segment(), *made.says(*whole(2))]) == [2]


def test_speech_that_goes_on_after_a_stop_is_heard() -> None:
    made = bench()
    made.hears((VOICED, 0.9))
    made.give(inputs.Stop())
    made.hears((VOICED, 0.9), (SILENT, 0.0))

    assert played(made.says(*whole(0))) == [0]


def test_a_stop_with_nothing_said_is_obeyed() -> None:
    found = bench().give(inputs.Stop())

    assert Purge(0) in found and said(found) == [Obeyed("stopped", 1)]


def test_a_stop_after_the_end_ends_the_session() -> None:
    made = bench(2)
    made.give(inputs.End())

    found = said(made.give(inputs.Stop()))
    assert sorted(type(what).__name__ for what in found) == ["Done", "Done", "Ended", "Obeyed"]
    assert found[-1] == Ended(2)


# --- terms and audio keep their order ---


def test_an_update_placed_after_audio_does_not_touch_that_audio() -> None:
    made = bench()
    before = [decision.source for decision in appended(made.segment()) if decision.kind == "cut"]
    made.give(inputs.Update(terms("ca", source="fr")))
    after = [decision.source for decision in appended(made.segment()) if decision.kind == "cut"]

    assert (before, after) == (["en"], ["fr"])


# --- decisions that the journal loses ---


def lost(made: Bench, *given: inputs.Input) -> list[Decision]:
    """What is decided on these inputs while the journal takes nothing."""
    made.echo, made.unwritten = False, []
    for each in given:
        made.give(each)
    made.echo = True
    return made.unwritten


def test_decisions_that_do_not_come_back_are_written_again_in_their_order() -> None:
    made = bench()
    gone = lost(made, inputs.Pause(), inputs.Resume(), inputs.Stop())

    assert appended(made.give(inputs.Tick(), NOW + CONFIRM - 0.1)) == []
    found = made.give(inputs.Tick(), NOW + CONFIRM)
    assert appended(found) == gone
    assert [what.kind for what in said(found, Obeyed)] == ["paused", "resumed", "stopped"]


def test_decisions_that_came_back_are_not_written_again() -> None:
    made = bench(2)

    assert appended(made.give(inputs.Tick(), NOW + CONFIRM)) == []


def test_a_decision_behind_a_lost_one_waits_for_it_and_is_written_again_too() -> None:
    made = bench()
    (pause,) = lost(made, inputs.Pause())
    (resume,) = lost(made, inputs.Resume())
    assert made.says(resume) == []

    found = made.give(inputs.Tick(), NOW + CONFIRM)
    assert appended(found) == [pause, resume]
    assert [what.kind for what in said(found, Obeyed)] == ["paused", "resumed"]


def test_a_decision_that_was_written_twice_counts_once() -> None:
    made = bench()
    (stop,) = lost(made, inputs.Stop())
    made.says(stop)

    assert made.says(stop, stop) == []


def test_what_is_decided_while_others_are_written_again_follows_them() -> None:
    made = bench(1)
    gone = lost(made, inputs.Pause())
    found = made.give(inputs.Tick(), NOW + 30)

    assert [decision.kind for decision in appended(found)] == ["paused", "again"]
    assert appended(found)[0] == gone[0]
    assert len(said(found, Obeyed)) == 1
    assert appended(made.give(inputs.Tick(), NOW + 40)) == []


def test_when_redis_lost_the_journal_all_that_was_not_confirmed_is_written_again_at_once() -> None:
    made = bench(2)
    gone = lost(made, inputs.Pause(), inputs.Resume())
    found = made.give(inputs.Lost(), NOW + 0.5)

    assert appended(found)[:2] == gone
    assert [(decision.kind, decision.segment) for decision in appended(found)[2:]] == [
        ("again", 0),
        ("again", 1),
    ]
    assert [what.kind for what in said(found, Obeyed)] == ["paused", "resumed"]
    assert appended(made.give(inputs.Tick(), NOW + 5)) == []


def test_a_session_whose_first_decision_was_lost_begins_with_it_all_the_same() -> None:
    made = Bench("es", echo=False)
    made.segment()
    joined, *later = made.unwritten
    made.echo = True

    assert made.says(*later) == []
    made.give(inputs.Tick(), NOW + CONFIRM)
    assert [what.rate for what in said(made.says(*whole(0)), SpeechEnds)] == [RATE]
    assert joined.kind == "joined"


def test_a_give_up_that_was_lost_is_told_in_the_end() -> None:
    made = bench(1)
    made.echo = False
    made.says(failed(0, "stt", None, retryable=False))
    made.echo = True
    found = made.give(inputs.Tick(), NOW + CONFIRM)

    assert [type(what) for what in said(found)] == [Failed, Done]


# --- what is none of ours, and time ---


@pytest.mark.parametrize(
    "entry",
    [
        Entry("1-0", None),
        Entry("1-0", Decision("stopped", "another", number=1, segment=9)),
        Entry("1-0", Decision("ended", "another", number=0)),
        *(Entry("1-0", event) for event in whole(7)),
    ],
)
def test_entries_of_others_and_unreadable_ones_are_passed_over(entry: Entry) -> None:
    assert bench(1).give(entry) == []


def test_a_timer_is_asked_for_when_something_is_due_sooner_than_before() -> None:
    made = Bench()
    assert timers(made.begun) == [NOW + CONFIRM]
    found = made.segment()
    assert timers(found) == []
    assert timers(made.give(inputs.Tick(), NOW + CONFIRM)) == [NOW + PATIENCE.total]
    made.sent(0)
    assert timers(made.record[-1][2]) == [NOW + CONFIRM + PATIENCE.queue]


def test_with_nothing_to_wait_for_no_timer_is_asked_for() -> None:
    made = bench(1)
    made.says(*whole(0))

    assert made.give(inputs.Tick(), NOW + 500) == []


def test_frames_of_audio_cost_nothing_but_their_arrival() -> None:
    assert bench(1).give(inputs.Arrived(99_999)) == []


def test_speech_goes_on_after_its_worker_was_killed_in_the_middle() -> None:
    made = bench(1)
    found = made.says(heard(0), translated(0), *spoken(0, sentences=(1, 2, 1))[:2])
    vanished = made.give(inputs.Vanished("w", "tts.a", elsewhere=True), NOW + 1)
    (work,) = [effect.work for effect in vanished if isinstance(effect, Submit)]
    assert (work.sentence, work.attempt) == (1, 1)

    rest = [audio(0, 0, 1, attempt=1), audio(0, 1, 1, attempt=1, last=True)]
    rest += [audio(0, 2, 2, attempt=1, last=True)]
    found += vanished + made.says(*rest)
    assert played(found) == [0] * 5
    assert said(made.says(*spoken(0, attempt=0)[1:])) == []
    assert [type(what) for what in said(made.says(done(0, 3, attempt=1)))] == [SpeechEnds, Done]
