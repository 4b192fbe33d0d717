"""What is sent again when work failed, was lost or could not be sent, or its worker vanished."""

from __future__ import annotations

from dataclasses import replace

from gateway.core.deadlines import GRACE
from gateway.core.terms import Patience
from tests.gateway.core.waits import CA, ES, PATIENCE, STT, Waits, again, given_up

# --- results and failures ---


def test_a_finished_stage_is_never_due_and_finishes_once() -> None:
    waits = Waits()

    assert waits.of.finished(STT)
    assert not waits.of.finished(STT)
    assert waits.due(1000) == []


def test_signs_of_what_nobody_waits_for_change_nothing() -> None:
    waits = Waits()
    waits.of.seen(1, (0, "tts", "es"), 0, "w")
    waits.of.seen(1, (7, "stt", None), 0, "w")
    waits.of.postpone(1, (7, "stt", None), "no Redis")
    waits.of.sent(1, (7, "stt", None))
    waits.of.sent_again((7, "stt", None), 4)

    assert waits.due(29) == []
    assert len(waits.due(1000)) == 1


def test_a_retryable_failure_is_sent_again_at_once() -> None:
    waits = Waits()

    assert waits.of.failed(3, STT, 0, retryable=True)
    assert waits.due(3) == [again("it failed")]


def test_a_failure_is_tried_again_after_a_pause_that_grows() -> None:
    waits = Waits(replace(PATIENCE, pause=0.5))

    assert waits.of.failed(1, STT, 0, retryable=True)
    assert waits.due(1.4) == []
    assert len(waits.due(1.5)) == 1
    assert waits.of.failed(2, STT, 1, retryable=True)
    assert waits.due(2.9) == []
    assert len(waits.due(3)) == 1


def test_a_failure_that_is_known_before_the_sending_is_told_keeps_its_pause() -> None:
    waits = Waits(replace(PATIENCE, pause=0.5), sent=False)
    waits.of.failed(1, STT, 0, retryable=True)
    waits.of.sent(1.1, STT)

    assert waits.due(1.5) == [again("it failed")]


def test_work_that_was_taken_before_the_sending_is_told_is_with_its_worker() -> None:
    waits = Waits(sent=False)
    waits.of.seen(1, STT, 0, "w")
    waits.of.sent(2, STT)

    assert waits.due(11) == [again("its worker went silent")]


def test_a_failure_of_the_last_attempt_is_final() -> None:
    waits = Waits(replace(PATIENCE, attempts=2))
    waits.of.failed(3, STT, 0, retryable=True)
    waits.due(3)

    assert not waits.of.failed(4, STT, 1, retryable=True)


def test_a_failure_that_would_repeat_itself_is_final() -> None:
    assert not Waits().of.failed(3, STT, 0, retryable=False)


def test_a_failure_of_an_earlier_attempt_leaves_the_later_one_its_time() -> None:
    waits = Waits(replace(PATIENCE, attempts=2))
    waits.due(30)

    assert waits.of.failed(31, STT, 0, retryable=True)
    assert waits.due(31) == []
    assert waits.of.failed(31, STT, 0, retryable=False)


def test_a_failure_of_a_twin_after_the_result_is_not_final() -> None:
    waits = Waits()
    waits.of.finished(STT)

    assert waits.of.failed(5, STT, 1, retryable=True)
    assert waits.of.failed(5, STT, 1, retryable=False)
    assert waits.due(1000) == []


def test_a_stage_after_one_that_was_sent_again_has_all_its_attempts() -> None:
    waits = Waits(Patience(queue=1, run=1, total=600, attempts=2))
    waits.due(1)
    waits.of.finished(STT)
    waits.of.follow(1, ES, 1, "")

    assert waits.due(2) == [again("no worker took it", "translation", "es")]
    assert given_up(waits.due(3)) == ["no worker took it, 2 times"]


# --- what cannot be sent, what is lost ---


def test_work_that_could_not_be_sent_costs_no_attempt() -> None:
    waits = Waits(Patience(queue=30, run=10, total=600, attempts=2), sent=False)
    for now in (0, 1, 2):
        waits.of.postpone(now, STT, "Redis does not answer.")
        assert waits.of.due(now + 0.9, {}) == []
        assert waits.of.due(now + 1, {}) == [again("Redis does not answer.")]
    waits.of.sent(3, STT)

    assert waits.due(33) == [again("no worker took it")]
    assert given_up(waits.due(63)) == ["no worker took it, 2 times"]


def test_work_that_a_worker_has_though_the_sending_failed_is_not_sent_again() -> None:
    waits = Waits(sent=False)
    waits.of.seen(1, STT, 0, "w")
    waits.of.postpone(1, STT, "Redis does not answer.")

    assert waits.due(10.9) == []
    assert waits.due(11) == [again("its worker went silent")]


def test_what_cannot_be_sent_until_the_end_is_given_up_with_the_reason() -> None:
    waits = Waits(sent=False)
    waits.of.postpone(59.5, STT, "No live worker serves stt.")

    assert given_up(waits.due(60)) == ["it would come too late: No live worker serves stt"]


def test_work_that_redis_lost_is_sent_again_at_once_and_costs_no_attempt() -> None:
    waits = Waits(replace(PATIENCE, attempts=1))
    waits.of.cut(0, 1, 0)
    waits.of.sent(0, (1, "stt", None))
    waits.of.seen(0.5, (1, "stt", None), 0, "w")
    waits.of.hurry(1, "Redis lost it")

    assert [(what.segment, what.action) for what in waits.due(1)] == [(0, "again"), (1, "again")]


def test_what_still_waits_to_be_sent_is_not_hurried() -> None:
    waits = Waits(sent=False)
    waits.of.hurry(1, "Redis lost it")
    waits.of.vanished(1, "w", {STT}, elsewhere=True)

    assert waits.due(59) == []


# --- workers that vanish ---


def test_what_a_vanished_worker_ran_is_sent_again_at_once() -> None:
    waits = Waits().translating(0, ES, CA)
    waits.of.seen(1, ES, 0, "w1")
    waits.of.seen(1, CA, 0, "w2")
    waits.of.vanished(2, "w1", set(), elsewhere=False)

    assert waits.due(2) == [again("its worker vanished", "translation", "es")]
    assert waits.due(10.9) == []


def test_what_waits_for_a_vanished_worker_goes_elsewhere_at_once() -> None:
    waits = Waits(replace(PATIENCE, attempts=1)).translating(0, ES, CA)
    waits.of.vanished(2, "w", {ES}, elsewhere=True)

    assert waits.due(2) == [again("the worker of its queue vanished", "translation", "es")]


def test_what_will_come_to_a_queue_that_nobody_serves_is_due_when_it_comes_there() -> None:
    waits = Waits(replace(PATIENCE, attempts=1))
    waits.of.vanished(2, "w", {ES}, elsewhere=True)
    assert waits.due(2) == []
    waits.translating(3, ES, CA)

    assert waits.due(3) == [again("the worker of its queue vanished", "translation", "es")]
    assert waits.due(32) == []


def test_what_was_sent_anew_meanwhile_goes_to_another_queue_and_is_not_due() -> None:
    waits = Waits()
    waits.of.vanished(2, "w", {ES}, elsewhere=True)
    waits.of.sent(2, STT, [STT, ES])

    assert waits.translating(3, ES).due(32) == []


def test_what_is_forgotten_leaves_nothing_behind() -> None:
    waits = Waits()
    waits.of.vanished(2, "w", {ES, CA}, elsewhere=True)
    waits.of.forget(0, "es")
    waits.of.forget(0)
    waits.of.cut(3, 0, 0.0)

    assert waits.translating(4, ES, CA).due(32) == []


def test_what_a_vanished_worker_was_to_send_on_is_sent_at_once_and_costs_no_attempt() -> None:
    waits = Waits(replace(PATIENCE, attempts=1)).translating(0, ES)
    waits.of.vanished(1, "another", set(), elsewhere=False)
    assert waits.due(29) == []
    waits.of.vanished(29, "sender", set(), elsewhere=False)

    assert waits.due(29) == [again("the worker of its queue vanished", "translation", "es")]


def test_what_a_vanished_worker_did_send_on_is_left_to_who_took_it() -> None:
    waits = Waits().translating(0, ES)
    waits.of.seen(1, ES, 0, "w")
    waits.of.vanished(2, "sender", set(), elsewhere=False)

    assert waits.due(10.9) == []


def test_what_must_stay_in_its_queue_is_sent_again_after_a_moment() -> None:
    waits = Waits(replace(PATIENCE, attempts=1))
    waits.of.vanished(2, "w", {STT}, elsewhere=False)

    assert waits.due(2 + GRACE - 0.01) == []
    assert waits.due(2 + GRACE) == [again("the worker of its queue vanished")]


def test_what_another_worker_of_the_queue_takes_in_that_moment_is_not_sent_again() -> None:
    waits = Waits()
    waits.of.vanished(2, "w1", {STT}, elsewhere=False)
    waits.of.seen(2.5, STT, 0, "w2")

    assert waits.due(12.4) == []
    assert waits.due(12.5) == [again("its worker went silent")]


def test_a_vanished_worker_costs_what_it_ran_an_attempt_and_what_waited_none() -> None:
    waits = Waits(replace(PATIENCE, attempts=1)).translating(0, ES, CA)
    waits.of.seen(1, ES, 0, "w")
    waits.of.vanished(2, "w", {ES, CA}, elsewhere=True)

    assert [(what.target, what.action) for what in waits.due(2)] == [("es", "give_up"), ("ca", "again")]


def test_many_workers_that_vanish_at_once_give_no_attempt_more_than_there_are() -> None:
    waits = Waits(replace(PATIENCE, queue=5, attempts=1))
    for number in range(5):
        waits.of.vanished(2, f"w{number}", {STT}, elsewhere=False)
    assert len(waits.due(3)) == 1

    assert given_up(waits.due(8)) == ["no worker took it, once"]
