"""Speech that falls behind is spoken faster, as much as is needed and no more than is allowed."""

from __future__ import annotations

import pytest

from bridge.types import SPEECH_RATE, Event, Target, Work
from gateway.core import inputs
from gateway.core.backlog import Backlog, CatchUp
from gateway.core.effects import Submit
from tests.gateway.core.bench import DRAFTED, NOW, SILENT, VOICED, Bench, submits
from tests.gateway.events import audio, done, heard, translated

RATE = 24_000
ALLOWED = CatchUp(above=2.0, most=1.25)
SKEW = 500.0
"""The clock of the journal is so far ahead of the runner's."""


def piece(seconds: float, target: str = "es") -> Event:
    pcm = bytes(2 * round(seconds * RATE))
    return Event("audio", "tts", "a", 0, target=target, pcm=pcm, rate=RATE)


def submit(*targets: str, live: bool = True, target: str | None = None) -> Submit:
    return Submit(Work("a", 0, target=target), "stt", tuple(map(Target, targets or ("es",))), live, 60)


def speeds(found: Submit) -> list[float]:
    return [to.speed for to in found.targets]


@pytest.mark.parametrize(
    ("waiting", "speed"), [(0, 1), (2, 1), (3, 1.12), (3.2, 1.15), (4, 1.25), (60, 1.25)]
)
def test_speech_is_as_fast_as_much_waits(waiting: float, speed: float) -> None:
    assert ALLOWED.speed(waiting) == speed
    assert CatchUp().speed(waiting) == 1
    assert CatchUp(2.0, 1.0).speed(waiting) == 1


def test_what_was_released_is_heard_as_time_passes() -> None:
    lanes = Backlog(ALLOWED)
    lanes.heard(piece(3), 100 + SKEW, 100)
    lanes.heard(piece(2), 101 + SKEW, 101)
    lanes.heard(piece(1, "fr"), 101 + SKEW, 101)

    assert [lanes.waiting("es", now) for now in (101, 103, 106)] == [4, 2, 0]
    assert (lanes.waiting("fr", 101), lanes.waiting("de", 101)) == (1, 0)
    lanes.heard(piece(2), 110 + SKEW, 110)
    assert lanes.waiting("es", 110) == 2


def test_each_language_is_as_fast_as_its_own_listeners_are_behind() -> None:
    lanes = Backlog(ALLOWED)
    lanes.heard(piece(4), 100 + SKEW, 100)

    assert speeds(lanes.paced(submit("es", "fr"), 100)) == [1.25, 1]
    again = lanes.paced(submit("es", target="es"), 101)
    assert (again.work.speed, speeds(again)) == (1.12, [1.12])
    assert lanes.paced(submit("es"), 102) == submit("es")


def test_the_only_listener_knows_best_what_waits() -> None:
    lanes = Backlog(ALLOWED)
    lanes.told(9, 100)  # nothing was spoken yet
    lanes.heard(piece(9), 100 + SKEW, 100)
    lanes.told(3, 101)

    assert lanes.waiting("es", 101) == 3
    assert lanes.waiting("es", 103) == 1


def test_a_history_that_is_read_at_once_does_not_wait_to_be_heard() -> None:
    lanes = Backlog(ALLOWED)
    for second in range(60):
        lanes.heard(piece(0.5), 100 + second + SKEW, 200)

    assert lanes.waiting("es", 200) == pytest.approx(0.5)


def test_a_recording_is_spoken_at_its_own_pace_however_much_of_it_waits() -> None:
    lanes = Backlog(ALLOWED)
    lanes.heard(piece(60), 100 + SKEW, 100)
    assert lanes.paced(submit(live=False), 100) == submit(live=False)

    lanes.arrived(10 * SPEECH_RATE, 100)  # it was spoken before, on another gateway
    lanes.arrived(15 * SPEECH_RATE, 105)
    assert speeds(lanes.paced(submit(), 105)) == [1.25]
    lanes.arrived(20 * SPEECH_RATE, 106)  # faster than anybody speaks
    assert lanes.paced(submit(), 107) == submit()


def test_a_session_that_is_behind_sends_its_work_so_and_so_it_is_sent_again() -> None:
    made = Bench(catch_up=ALLOWED)
    assert [to.speed for sent in submits(made.segment()) for to in sent.targets] == [1]
    made.says(heard(0), translated(0), audio(0, 0, pcm=piece(5).pcm, last=True), done(0, 1))

    (sent,) = submits(made.segment(NOW + 1))
    assert speeds(sent) == [1.25]
    made.sent(1, stt="stt.a")
    (again,) = submits(made.give(inputs.Vanished("w", "stt.a", elsewhere=True), NOW + 2))
    assert speeds(again) == [1.12]
    made.give(inputs.Behind(0), NOW + 2)
    assert [speeds(sent) for sent in submits(made.segment(NOW + 2))] == [[1]]


def test_what_was_stopped_waits_no_more() -> None:
    made = Bench(catch_up=ALLOWED)
    made.segment()
    made.says(heard(0), translated(0), audio(0, 0, pcm=piece(9).pcm, last=True), done(0, 1))
    made.give(inputs.Stop())

    assert [speeds(sent) for sent in submits(made.segment())] == [[1]]


@pytest.mark.parametrize("promoted", [True, False])
def test_speech_of_a_draft_waits_only_when_it_is_heard(promoted: bool) -> None:
    made = Bench(catch_up=ALLOWED, drafts=True)
    made.hears((VOICED, 0.9), (DRAFTED, 0.0))
    made.says(heard(0), translated(0), audio(0, 0, pcm=piece(5).pcm, last=True))
    if promoted:
        made.hears((SILENT - DRAFTED, 0.0))
    else:
        made.hears((VOICED, 0.9), (SILENT, 0.0))

    assert made.participant._backlog.waiting("es", made.now) == (5 if promoted else 0)


def hour(catch_up: CatchUp, longer: float) -> tuple[float, float]:
    """The most that waits when a segment ends, in the first five minutes and in the hour behind them.

    Segments of 2 to 8 s follow each other without a pause. Their translation takes `longer` to say, and is
    spoken 1 s after their end.
    """
    lanes, first, later, now, number = Backlog(catch_up), 0.0, 0.0, 0.0, 0
    while now < 3_900:
        length = (4.0, 8.0, 2.0, 6.0)[number % 4]
        now, number = now + length, number + 1
        waiting = lanes.waiting("es", now)
        (speed,) = speeds(lanes.paced(submit(), now))
        lanes.heard(piece(length * longer / speed), now + 1 + SKEW, now + 1)
        if now < 300:
            first = max(first, waiting)
        else:
            later = max(later, waiting)
    return first, later


@pytest.mark.parametrize("longer", [1.0, 1.2, 1.24])
def test_after_an_hour_of_fast_speech_no_more_waits_than_after_minutes(longer: float) -> None:
    first, later = hour(ALLOWED, longer)

    assert later <= first + 0.5
    assert later < 10


def test_without_it_an_hour_falls_behind_by_minutes() -> None:
    assert hour(CatchUp(2.0, 1.0), 1.2)[1] > 600
