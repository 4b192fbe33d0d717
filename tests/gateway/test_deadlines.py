"""What is sent again, what is given up, and when."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.types import Stage
from gateway.deadlines import Deadlines, Limits, Overdue

LIMITS = Limits(queue=30, run=10, total=60, attempts=3)


def cut(limits: Limits = LIMITS) -> Deadlines:
    """One segment, cut at 0 s."""
    made = Deadlines(limits)
    made.cut(0, 0)
    return made


def again(attempt: int, reason: str, stage: Stage = "stt", target: str | None = None) -> Overdue:
    return Overdue(0, stage, target, attempt, "again", reason)


def given_up(found: Sequence[Overdue]) -> list[str]:
    return [what.reason for what in found if what.action == "give_up"]


def test_work_that_no_worker_takes_is_sent_again_after_the_queue_limit() -> None:
    waits = cut()

    assert waits.due(29.9) == []
    assert waits.due(30) == [again(1, "no worker took it")]
    assert waits.due(30) == []


def test_work_whose_worker_goes_silent_is_sent_again_after_the_run_limit() -> None:
    waits = cut()
    waits.seen(5, 0, "stt", None, 0)

    assert waits.due(14.9) == []
    assert waits.due(15) == [again(1, "its worker went silent")]


def test_every_sign_of_the_worker_gives_it_more_time() -> None:
    waits = cut()
    for now in (5, 14, 23):
        waits.seen(now, 0, "stt", None, 0)

    assert waits.due(32.9) == []
    assert waits.due(33) == [again(1, "its worker went silent")]


def test_a_late_sign_of_an_earlier_attempt_gives_no_more_time() -> None:
    waits = cut()
    waits.due(30)
    waits.seen(55, 0, "stt", None, 0)

    assert given_up(waits.due(60)) == ["it would come too late: no worker took it"]


def test_a_sign_of_the_new_attempt_gives_it_its_run() -> None:
    waits = cut(Limits(queue=30, run=10, total=600, attempts=3))
    waits.due(30)
    waits.seen(58, 0, "stt", None, 1)

    assert waits.due(60) == []
    assert waits.due(68) == [again(2, "its worker went silent")]


def test_after_the_last_attempt_it_is_given_up() -> None:
    waits = cut(Limits(queue=1, run=1, total=600, attempts=3))

    assert [what.attempt for now in (1, 2) for what in waits.due(now)] == [1, 2]
    assert waits.due(3) == [Overdue(0, "stt", None, 3, "give_up", "no worker took it, 3 times")]
    assert waits.due(500) == []


def test_one_attempt_means_none_is_sent_again() -> None:
    waits = cut(Limits(queue=1, run=1, total=600, attempts=1))

    assert waits.due(1) == [Overdue(0, "stt", None, 1, "give_up", "no worker took it, once")]


def test_what_would_come_too_late_is_given_up_whatever_attempts_are_left() -> None:
    waits = cut()
    for now in range(0, 60, 9):
        waits.seen(now, 0, "stt", None, 0)

    assert waits.due(59.9) == []
    assert waits.due(60) == [
        Overdue(0, "stt", None, 1, "give_up", "it would come too late: its worker went silent")
    ]


def test_the_end_of_a_segment_counts_from_its_cut_for_all_stages() -> None:
    waits = cut()
    waits.finished(0, "stt")
    waits.expect(50, 0, "translation", "es")

    assert waits.due(59.9) == []
    assert given_up(waits.due(60)) == ["it would come too late: no worker took it"]


def test_stages_and_targets_have_their_own_limits() -> None:
    waits = cut()
    assert waits.finished(0, "stt")
    waits.expect(1, 0, "translation", "es")
    waits.expect(4, 0, "translation", "ca")

    assert waits.due(31) == [again(1, "no worker took it", "translation", "es")]
    assert waits.due(34) == [again(1, "no worker took it", "translation", "ca")]


def test_a_finished_stage_is_never_due_and_finishes_once() -> None:
    waits = cut()

    assert waits.finished(0, "stt")
    assert not waits.finished(0, "stt")
    assert waits.due(1000) == []


def test_signs_of_what_nobody_waits_for_change_nothing() -> None:
    waits = cut()
    waits.seen(1, 0, "tts", "es", 0)
    waits.seen(1, 7, "stt", None, 0)
    waits.postpone(1, 7, "stt", None, "no Redis")

    assert waits.due(29) == []
    assert len(waits.due(1000)) == 1


def test_a_retryable_failure_is_sent_again_at_once() -> None:
    waits = cut()

    assert waits.failed(3, 0, "stt", None, 0)
    assert waits.due(3) == [again(1, "it failed")]


def test_a_failure_of_the_last_attempt_is_final() -> None:
    waits = cut(Limits(queue=30, run=10, total=60, attempts=2))
    waits.failed(3, 0, "stt", None, 0)
    waits.due(3)

    assert not waits.failed(4, 0, "stt", None, 1)


def test_a_failure_that_would_repeat_itself_is_final() -> None:
    assert not cut().failed(3, 0, "stt", None, 0, retryable=False)


def test_a_failure_of_an_earlier_attempt_leaves_the_later_one_its_time() -> None:
    waits = cut(Limits(queue=30, run=10, total=60, attempts=2))
    waits.due(30)

    assert waits.failed(31, 0, "stt", None, 0)
    assert waits.due(31) == []
    assert waits.failed(31, 0, "stt", None, 0, retryable=False)


def test_a_failure_of_a_twin_after_the_result_is_not_final() -> None:
    waits = cut()
    waits.finished(0, "stt")

    assert waits.failed(5, 0, "stt", None, 1)
    assert waits.failed(5, 0, "stt", None, 1, retryable=False)
    assert waits.due(1000) == []


def test_work_that_could_not_be_sent_costs_no_attempt() -> None:
    waits = cut(Limits(queue=30, run=10, total=600, attempts=2))
    for now in (1, 2, 3):
        waits.postpone(now, 0, "stt", None, "Redis does not answer.")
        assert waits.due(now - 0.1) == []
        assert waits.due(now) == [again(0, "Redis does not answer.")]

    assert waits.due(33) == [again(1, "no worker took it")]
    waits.postpone(34, 0, "stt", None, "Redis does not answer.")
    assert waits.due(34) == [again(1, "Redis does not answer.")]
    assert given_up(waits.due(64)) == ["no worker took it, 2 times"]


def test_a_stage_after_one_that_was_sent_again_has_all_its_attempts() -> None:
    waits = cut()
    waits.finished(0, "stt")
    waits.expect(1, 0, "translation", "es")
    waits.seen(2, 0, "translation", "es", 2)

    assert waits.due(12) == [again(1, "its worker went silent", "translation", "es")]


def test_what_cannot_be_sent_until_the_end_is_given_up_with_the_reason() -> None:
    waits = cut()
    waits.postpone(61, 0, "stt", None, "No live worker serves stt.")

    assert given_up(waits.due(60)) == ["it would come too late: No live worker serves stt"]


def test_forgetting_a_target_leaves_the_others() -> None:
    waits = cut()
    waits.finished(0, "stt")
    for target in ("es", "ca"):
        waits.expect(0, 0, "translation", target)
    waits.forget(0, "es")

    assert [what.target for what in waits.due(30)] == ["ca"]


def test_forgetting_a_segment_leaves_the_others() -> None:
    waits = cut()
    waits.cut(0, 1)
    waits.forget(0)
    waits.forget(7)

    assert [what.segment for what in waits.due(30)] == [1]


def test_nothing_is_kept_of_forgotten_segments() -> None:
    waits = cut()
    waits.expect(0, 0, "translation", "es")
    waits.forget(0)

    assert waits.due(1000) == []
    assert [kept for kept in vars(waits).values() if kept != LIMITS] == [{}, {}, {}]


def test_what_is_given_up_leaves_nothing_to_wait_for() -> None:
    waits = cut()
    waits.due(60)

    assert not waits.finished(0, "stt")
    waits.forget(0)
    assert [kept for kept in vars(waits).values() if kept != LIMITS] == [{}, {}, {}]


def test_transcription_has_as_much_longer_as_the_speech_lasted() -> None:
    deadlines = Deadlines(LIMITS)
    deadlines.cut(0.0, 1, length=4.0)
    deadlines.seen(0.0, 1, "stt", None, 0)

    assert deadlines.due(LIMITS.run + 3.9) == []
    assert [what.action for what in deadlines.due(LIMITS.run + 4.0)] == ["again"]


def test_later_stages_do_not_wait_for_the_length_of_the_speech() -> None:
    deadlines = Deadlines(LIMITS)
    deadlines.cut(0.0, 1, length=4.0)
    deadlines.finished(1, "stt")
    deadlines.expect(0.0, 1, "tts", "es")
    deadlines.seen(0.0, 1, "tts", "es", 0)

    assert [what.stage for what in deadlines.due(LIMITS.run)] == ["tts"]


def test_work_that_redis_lost_is_sent_again_at_once_and_costs_no_attempt() -> None:
    deadlines = Deadlines(Limits(queue=30, run=10, total=60, attempts=1))
    deadlines.cut(0.0, 1)
    deadlines.cut(0.0, 2)
    deadlines.hurry(1.0, "Redis lost it")

    assert [(what.segment, what.attempt, what.action) for what in deadlines.due(1.0)] == [
        (1, 0, "again"),
        (2, 0, "again"),
    ]


def test_a_failure_is_tried_again_after_a_pause_that_grows() -> None:
    deadlines = Deadlines(Limits(queue=30, run=10, total=60, attempts=3, pause=0.5))
    deadlines.cut(0.0, 1)
    assert deadlines.failed(1.0, 1, "stt", None, 0)
    assert deadlines.due(1.4) == []
    assert [what.attempt for what in deadlines.due(1.5)] == [1]

    assert deadlines.failed(2.0, 1, "stt", None, 1)
    assert deadlines.due(2.9) == []
    assert [what.attempt for what in deadlines.due(3.0)] == [2]
