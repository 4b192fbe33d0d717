"""The record of a segment: what happened when, as the journal tells it."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.types import Decision, Entry, Event, Flight, Leg, Target
from gateway.core.flight import Recorded, Recorder
from gateway.core.ledger import Ledger
from tests.gateway.core.world import Trouble, World
from tests.gateway.events import SESSION, START, again, audio, cut, done, gave_up, heard, translated


class Desk:
    """A recorder with the ledger that it reads from."""

    def __init__(self) -> None:
        self.ledger = Ledger(SESSION)
        self.recorder = Recorder(SESSION)

    def hears(self, *items: Decision | Event, at: float = 0.0) -> list[Flight]:
        for item in items:
            if isinstance(item, Decision):
                self.recorder.decided(START + at, item)
                found = self.ledger.decide(item)
            else:
                found = self.ledger.report(item)
            for fact in found:
                self.recorder.found(START + at, fact)
        return self.recorder.take()


def drafted(segment: int, *targets: str, revision: int = 0, **more: Any) -> Decision:
    wanted = tuple(map(Target, targets or ("es",)))
    return Decision("draft", SESSION, segment=segment, targets=wanted, revision=revision, **more)


def dropped(segment: int, revision: int, code: str = "") -> Decision:
    return Decision("dropped", SESSION, segment=segment, revision=revision, code=code)


def began(stage: Any, target: str | None = None, queued: float = 2.0, **more: Any) -> Event:
    return Event(
        "started", stage, SESSION, 0, target=target, queued_ms=queued, worker=f"{stage}-cpu0", **more
    )


def spoken(desk: Desk, *, at: float, running: float = 80.0) -> list[Flight]:
    """Speech of segment 0 in Spanish, taken at `at`, in one piece."""
    desk.hears(began("tts", "es"), at=at)
    return desk.hears(audio(0, 0, last=True, running_ms=running), done(0, 1), at=at + running / 1000)


def leg(flight: Flight, stage: str, attempt: int = 0) -> Leg:
    (found,) = [leg for leg in flight.legs if leg.stage == stage and leg.attempt == attempt]
    return found


def test_each_stage_is_placed_between_the_end_of_speech_and_its_first_sound() -> None:
    desk = Desk()
    desk.hears(cut(0, start=0, speech_end=32_000, end=40_000, endpoint_ms=500.0, at=START), at=0.003)
    desk.hears(began("stt", queued=4.0), at=0.005)
    desk.hears(heard(0, running_ms=120.0), at=0.126)
    desk.hears(began("translation", "es"), at=0.128)
    desk.hears(translated(0, running_ms=60.0), at=0.189)
    (flight,) = spoken(desk, at=0.191)

    assert flight.at == pytest.approx(START - 0.5)
    assert (flight.speech_ms, flight.endpoint_ms, flight.draft_ms) == (2_000.0, 500.0, 0.0)
    assert (flight.outcome, flight.outcomes) == ("heard", {"es": "heard"})
    assert leg(flight, "stt") == Leg("stt", None, "stt-cpu0", 0, 0, 4.0, 505.0, 625.0, 625.0)
    assert leg(flight, "translation") == Leg(
        "translation", "es", "translation-cpu0", 0, 0, 2.0, 628.0, 688.0, 688.0
    )
    assert leg(flight, "tts") == Leg("tts", "es", "tts-cpu0", 0, 0, 2.0, 691.0, 771.0, 771.0)


def test_a_draft_that_was_right_is_recorded_from_when_it_was_sent() -> None:
    desk = Desk()
    desk.hears(drafted(0, at=START), at=0.002)
    desk.hears(began("stt"), at=0.005)
    desk.hears(heard(0, running_ms=100.0), at=0.105)
    desk.hears(began("translation", "es"), at=0.107)
    desk.hears(translated(0, running_ms=50.0), at=0.157)
    assert spoken(desk, at=0.159) == []
    (flight,) = desk.hears(cut(0, endpoint_ms=500.0, draft_ms=100.0, at=START + 0.4), at=0.402)

    assert flight.at == pytest.approx(START - 0.1)
    assert leg(flight, "stt").taken_ms == 105.0
    assert leg(flight, "tts").first_ms == 339.0
    assert (flight.dropped, flight.unsent) == (0, 0)


def test_drafts_in_vain_leave_no_work_in_the_record_and_are_counted() -> None:
    desk = Desk()
    desk.hears(drafted(0), began("stt"), dropped(0, 0), at=0.0)
    desk.hears(drafted(0, revision=1), dropped(0, 1, "unsent"), at=0.5)
    desk.hears(cut(0, revision=2, endpoint_ms=500.0), at=1.0)
    desk.hears(began("stt", revision=2), heard(0, "", revision=2), at=1.1)
    desk.hears(cut(1, endpoint_ms=500.0), at=2.0)
    later = desk.hears(Event("text", "stt", SESSION, 1, text=""), at=2.1)

    assert [(flight.dropped, flight.unsent) for flight in later] == [(0, 0)]


def test_the_drafts_in_vain_of_a_segment_are_counted_with_it() -> None:
    desk = Desk()
    desk.hears(drafted(0), dropped(0, 0), drafted(0, revision=1), dropped(0, 1, "unsent"))
    (flight,) = desk.hears(cut(0, revision=2), heard(0, "", revision=2), at=1.0)

    assert (flight.dropped, flight.unsent, flight.outcome) == (1, 1, "silent")


def test_an_attempt_that_failed_stands_beside_the_one_that_was_heard() -> None:
    desk = Desk()
    desk.hears(cut(0), began("stt"), heard(0), began("translation", "es"), translated(0))
    desk.hears(began("tts", "es"), at=0.1)
    failed = Event(
        "failed",
        "tts",
        SESSION,
        0,
        target="es",
        running_ms=40.0,
        code="broken",
        message="It broke.",
        retryable=True,
    )
    desk.hears(failed, again(0, 1), at=0.2)
    desk.hears(began("tts", "es", attempt=1), at=0.3)
    (flight,) = desk.hears(audio(0, 0, attempt=1, last=True, running_ms=10.0), done(0, 1, attempt=1), at=0.4)

    assert (leg(flight, "tts").code, leg(flight, "tts").first_ms) == ("broken", None)
    assert leg(flight, "tts", 1).first_ms == 310.0
    assert flight.again == ("tts",)
    assert flight.outcome == "heard"


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [("heard", "heard", "heard"), ("heard", "failed", "partly"), ("failed", "failed", "failed")],
)
def test_a_segment_is_heard_partly_where_one_of_its_languages_fails(
    first: str, second: str, outcome: str
) -> None:
    desk = Desk()
    desk.hears(cut(0, "es", "ca"), began("stt"), heard(0), translated(0, "es"), translated(0, "ca"))
    found: list[Flight] = []
    for target, becomes in (("es", first), ("ca", second)):
        ends = [audio(0, 0, 0, target, last=True), done(0, 1, target)]
        found += desk.hears(*(ends if becomes == "heard" else [gave_up(0, target)]))

    assert [flight.outcome for flight in found] == [outcome]
    assert found[0].outcomes == {"es": first, "ca": second}


def test_a_segment_that_is_not_wanted_any_more_was_stopped() -> None:
    desk = Desk()
    desk.hears(cut(0), cut(1))
    desk.recorder.silenced(1)

    assert [(flight.segment, flight.outcome) for flight in desk.recorder.take()] == [(0, "stopped")]


def test_who_wants_to_hear_a_segment_later_belongs_to_it() -> None:
    desk = Desk()
    desk.hears(cut(0), began("stt"), heard(0))
    added = Decision("also", SESSION, segment=0, targets=(Target("ca"),))
    assert desk.hears(added, translated(0), audio(0, 0, last=True), done(0, 1)) == []
    (flight,) = desk.hears(translated(0, "ca"), audio(0, 0, 0, "ca", last=True), done(0, 1, "ca"))

    assert flight.outcomes == {"es": "heard", "ca": "heard"}


def test_the_language_is_the_one_that_was_found() -> None:
    desk = Desk()
    desk.hears(cut(0, source=None), began("stt"))
    (flight,) = desk.hears(heard(0, ""))

    assert flight.source == "en"


def test_nothing_is_kept_of_a_speaker_whose_segments_never_end() -> None:
    desk = Desk()
    for segment in range(500):
        desk.hears(cut(segment))

    assert len(desk.recorder._logs) <= 64


@pytest.mark.parametrize("drafts", [False, True])
def test_whatever_goes_wrong_every_segment_has_one_record(drafts: bool) -> None:
    trouble = Trouble(dies=0.03, slow=0.05, twice=0.1, fails=0.05, unsent=0.02)
    for seed in range(12):
        world = World("es", "ca", seed=seed, trouble=trouble, drafts=drafts)
        world.talk(8)
        world.run(400)
        segments = [flight.segment for flight in world.recorded]

        assert sorted(segments) == list(range(8))
        for flight in world.recorded:
            in_order = [leg for leg in flight.legs if leg.first_ms is not None]
            assert all(leg.taken_ms <= (leg.first_ms or 0) <= (leg.last_ms or 0) for leg in in_order)


def test_only_the_gateway_of_the_speaker_records() -> None:
    world = World("es")
    world.room.here.clear()
    entry = Entry("1-0", cut(0))
    found = world.room.handle(entry, 0.0)

    assert not any(isinstance(effect, Recorded) for each in found for effect in each.effects)
