"""How long is waited for work before it is sent again or given up, and what is forgotten."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from gateway.core.deadlines import Overdue
from gateway.core.terms import Patience
from tests.gateway.core.waits import CA, ES, PATIENCE, STT, Waits, again, given_up

# --- limits ---


def test_work_that_no_worker_takes_is_sent_again_after_the_queue_limit() -> None:
    waits = Waits()

    assert waits.due(29.9) == []
    assert waits.due(30) == [again("no worker took it")]
    assert waits.due(30) == []


def test_the_queue_limit_counts_from_when_the_dispatcher_had_room() -> None:
    waits = Waits(sent=False)
    assert waits.due(31) == []
    waits.of.sent(31, STT)

    assert waits.due(59.9) == []
    assert given_up(waits.due(60)) == ["it would come too late: no worker took it"]


def test_what_the_dispatcher_never_sends_is_given_up_in_the_end() -> None:
    waits = Waits(sent=False)

    assert waits.due(59.9) == []
    assert given_up(waits.due(60)) == ["it would come too late: it was not sent"]


def test_work_whose_worker_goes_silent_is_sent_again_after_the_run_limit() -> None:
    waits = Waits()
    waits.of.seen(5, STT, 0, "w")

    assert waits.due(14.9) == []
    assert waits.due(15) == [again("its worker went silent")]


def test_every_sign_of_the_worker_gives_it_more_time() -> None:
    waits = Waits()
    for now in (5, 14, 23):
        waits.of.seen(now, STT, 0, "w")

    assert waits.due(32.9) == []
    assert waits.due(33) == [again("its worker went silent")]


def test_a_worker_that_says_that_it_still_runs_the_work_is_no_reason_to_send_it_again() -> None:
    waits = Waits()
    waits.of.seen(5, STT, 0, "w")

    assert waits.of.begun(15) == [(STT, 0, 0)]
    assert [waits.due(now, STT) for now in (15, 25, 35)] == [[], [], []]
    assert waits.due(45) == [again("its worker went silent")]


def test_what_runs_too_long_is_given_up_though_its_worker_lives() -> None:
    waits = Waits()
    waits.of.seen(5, STT, 0, "w")
    for now in range(15, 60, 10):
        waits.due(now, STT)

    assert given_up(waits.due(60, STT)) == ["it would come too late: its worker went silent"]


def test_a_late_sign_of_an_earlier_attempt_gives_no_more_time() -> None:
    waits = Waits()
    waits.due(30)
    waits.of.seen(55, STT, 0, "w")

    assert given_up(waits.due(60)) == ["it would come too late: no worker took it"]


def test_a_sign_of_the_new_attempt_gives_it_its_run() -> None:
    waits = Waits(replace(PATIENCE, total=600))
    waits.due(30)
    waits.of.seen(58, STT, 1, "w")

    assert waits.due(60) == []
    assert waits.due(68) == [again("its worker went silent")]


def test_speech_of_an_earlier_attempt_that_is_heard_gives_it_more_time() -> None:
    waits = Waits(replace(PATIENCE, total=600)).translating()
    waits.due(30)
    waits.of.seen(31, ES, 0, "w", heard=True)

    assert waits.of.begun(41) == [(ES, 0, 0)]
    assert waits.due(41) == [again("its worker went silent", "translation", "es")]


def test_after_the_last_attempt_it_is_given_up() -> None:
    waits = Waits(Patience(queue=1, run=1, total=600, attempts=3))

    assert [what.action for now in (1, 2) for what in waits.due(now)] == ["again", "again"]
    assert waits.due(3) == [Overdue(0, "stt", None, "give_up", "no worker took it, 3 times")]
    assert waits.due(500) == []


def test_one_attempt_means_none_is_sent_again() -> None:
    waits = Waits(Patience(queue=1, run=1, total=600, attempts=1))

    assert waits.due(1) == [Overdue(0, "stt", None, "give_up", "no worker took it, once")]


def test_what_would_come_too_late_is_given_up_whatever_attempts_are_left() -> None:
    waits = Waits()
    for now in range(0, 60, 9):
        waits.of.seen(now, STT, 0, "w")

    assert waits.due(59.9) == []
    assert given_up(waits.due(60)) == ["it would come too late: its worker went silent"]


def test_the_end_of_a_segment_counts_from_its_cut_for_all_stages() -> None:
    waits = Waits().translating(50)

    assert waits.of.left(50, 0) == 10
    assert waits.due(59.9) == []
    assert given_up(waits.due(60)) == ["it would come too late: no worker took it"]


def test_stages_and_targets_have_their_own_limits() -> None:
    waits = Waits().translating(1, ES)
    waits.of.follow(4, CA, 0, "")

    assert waits.due(31) == [again("no worker took it", "translation", "es")]
    assert waits.due(34) == [again("no worker took it", "translation", "ca")]


def test_transcription_has_as_much_longer_as_the_speech_lasted() -> None:
    waits = Waits(length=4.0)
    waits.of.seen(0, STT, 0, "w")

    assert waits.due(13.9) == []
    assert waits.due(14) == [again("its worker went silent")]


def test_later_stages_do_not_wait_for_the_length_of_the_speech() -> None:
    waits = Waits(length=4.0).translating()
    waits.of.seen(0, ES, 0, "w")

    assert waits.due(10) == [again("its worker went silent", "translation", "es")]


# --- forgetting ---


def test_forgetting_a_target_leaves_the_others() -> None:
    waits = Waits().translating(0, ES, CA)

    assert waits.of.forget(0, "es") == [ES]
    assert [what.target for what in waits.due(30)] == ["ca"]


def test_forgetting_a_segment_leaves_the_others() -> None:
    waits = Waits()
    waits.of.cut(0, 1, 0)
    waits.of.sent(0, (1, "stt", None))

    assert waits.of.forget(0) == [STT]
    assert waits.of.forget(7) == []
    assert [what.segment for what in waits.due(30)] == [1]


@pytest.mark.parametrize("ends", [0.0, 60.0])
def test_nothing_is_kept_of_forgotten_segments(ends: float) -> None:
    waits = Waits().translating(0, ES, CA)
    waits.due(ends)
    waits.of.forget(0)

    assert waits.due(1000) == []
    assert not any(kept for kept in vars(waits.of).values() if kept != PATIENCE)


def test_the_next_moment_that_matters_is_known() -> None:
    waits = Waits()
    assert waits.of.next == 30
    waits.of.seen(5, STT, 0, "w")
    assert waits.of.next == 15
    waits.of.finished(STT)
    assert waits.of.next == inf
    waits.of.follow(55, ES, 0, "")
    assert waits.of.next == 60
