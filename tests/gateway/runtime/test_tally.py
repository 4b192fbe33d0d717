"""What is counted of sessions and of what is said in them: by real sessions, and by what the core decides."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bridge.settings import Settings
from bridge.types import Decision, Target, Work
from gateway.core.effects import Append, Effect, Submit
from gateway.core.seat import Seat
from gateway.runtime import tally
from gateway.runtime.tally import Census, Tally, dispatched
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.scene import CLIP, SENTENCE, TERMS, Scene, meet, play
from tests.gateway.runtime.test_flights import Change, value

ROOM = "eeee0000ffff"
ENDED = "bridge_sessions_ended_total"
SNR = ("bridge_input_snr_db_count", dict[str, str]())
REASONS = ("done", "refused", "lost", "moved")


def ended() -> Change:
    """How many sessions ended, for each of REASONS, and how many of which it is known how long they were."""
    whole = ("bridge_session_duration_seconds_count", dict[str, str]())
    return Change(*((ENDED, {"reason": reason}) for reason in REASONS), whole)


def held(*roles: str) -> Change:
    return Change(*(("bridge_sessions_active", {"role": role}) for role in roles))


@pytest.mark.redis
def test_sessions_are_counted_by_their_role_while_they_are_held(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        roles = ("alone", "speaker", "listener")
        here, over = held(*roles), ended()
        began = Change(*(("bridge_sessions_started_total", {"role": role}) for role in roles))
        lone, _ = await it.session()
        await it.enter(ROOM, "speaker", 1)
        listeners = [await it.enter(ROOM, "listener", 1_024 + n, "es") for n in range(2)]
        assert here() == began() == [1, 1, 2]
        it.halls.close(lone)
        it.halls.close(listeners[0].runner)
        it.halls.close(listeners[0].runner)
        await until(lambda: here() == [0, 1, 1])
        assert over() == [2, 0, 0, 0, 2]
        assert began() == [1, 1, 2]

    here = held("speaker", "listener")
    play(settings, scene)
    assert here() == [0, 0]


@pytest.mark.redis
def test_a_speaker_who_is_still_heard_has_ended_once(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        speaker = await it.enter(ROOM, "speaker", 1)
        await it.enter(ROOM, "listener", 1_024, "es")
        await it.heard_in(ROOM, "es")
        here, over = held("speaker"), ended()
        speaker.runner.audio(SENTENCE)
        await until(lambda: len(it.decided(ROOM, "cut")) == 1)
        it.halls.close(speaker.runner)
        assert (over()[0], here()) == (1, [0])
        it.work(speaker.runner, 0)
        await until(lambda: here() == [-1])
        assert over()[0] == 1

    play(settings, scene)


@pytest.mark.redis
@pytest.mark.parametrize("window", [0, 1])
def test_who_does_not_come_back_is_lost(settings: Settings, window: int) -> None:
    async def scene(it: Scene) -> None:
        over = ended()
        runner, _ = await it.session()
        it.halls.drop(runner)
        assert over() == ([0] * 5 if window else [0, 0, 1, 0, 1])
        await until(lambda: over() == [0, 0, 1, 0, 1])

    play(settings, scene, resume_window_s=window)


@pytest.mark.redis
def test_who_comes_back_in_time_goes_on(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        over, back = ended(), Change(("bridge_sessions_resumed_total", {}))
        member = await it.enter(ROOM, "listener", 1_024, "es")
        await it.backend.errands.done()
        it.halls.drop(member.runner)
        await it.come_back(member, 1)
        assert back() == [1]
        assert over() == [0] * 5

    play(settings, scene)


@pytest.mark.redis
def test_a_session_that_goes_on_elsewhere_has_moved_and_is_not_a_new_one(settings: Settings) -> None:
    async def scene(one: Scene, two: Scene) -> None:
        over, back = ended(), Change(("bridge_sessions_resumed_total", {}))
        began, here = Change(("bridge_sessions_started_total", {"role": "listener"})), held("listener")
        member = await one.enter(ROOM, "listener", 1_024, "es")
        await one.backend.errands.done()
        again = await two.come_back(member, 1)
        await until(lambda: over() == [0, 0, 0, 1, 0])
        assert (began(), back(), here()) == ([1], [1], [1])
        two.halls.close(again.runner)
        await until(lambda: here() == [0])
        assert over() == [1, 0, 0, 1, 0]  # nobody here knows when it began

    meet(settings, scene)


@pytest.mark.redis
def test_workers_obey_the_sessions_that_are_held_here(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        grown = Change(("bridge_barge_in_seconds_count", {}), ("bridge_barge_in_seconds_sum", {}))
        runner, _ = await it.session()
        decided_at = it.backend.fleet.now() - 0.25
        it.desk.obeyed(runner.id, "somebody who left", 1, decided_at, "w")
        it.desk.obeyed(runner.id, runner.id, 1, decided_at, "w")
        await until(lambda: grown()[0] > 0)
        count, seconds = grown()
        assert count == 1
        assert 0.2 < seconds < 2

    play(settings, scene)


@pytest.mark.redis
@pytest.mark.parametrize("metrics", [True, False])
def test_how_clear_speech_is_is_measured_once_a_segment_where_it_is_wanted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, metrics: bool
) -> None:
    monkeypatch.setattr(tally, "LATER", 0.0)

    async def scene(it: Scene) -> None:
        grown, sent = Change(SNR), Change(("bridge_dispatch_seconds_count", {}))
        runner, _ = await it.session()
        runner.audio(SENTENCE)
        await until(lambda: sent() == [1])
        await until(lambda: it.client.llen("stt.cpu0") == 1)
        assert grown() == [int(metrics)]

    play(settings, scene, metrics=metrics)


def submitted(urgency: str, revision: int = 0, *, attempt: int = 0, live: bool = True) -> Submit:
    work = Work("ada", 0, "ada", revision=revision, attempt=attempt, sent=100.0)
    return Submit(work, "stt", (Target("es"),), live, 60.0, CLIP, urgency)  # type: ignore[arg-type]


def cut(number: int, revision: int = 0) -> Append:
    return Append(Decision("cut", "ada", number, 0, revision))


def heard(monkeypatch: pytest.MonkeyPatch, *seen: Effect) -> list[float]:
    """How often it was measured how clear speech is."""
    monkeypatch.setattr(tally, "LATER", 0.0)
    grown = Change(SNR)

    async def run() -> None:
        session = Tally(measured=True)
        for effect in seen:
            session.see(effect)
        await asyncio.sleep(0.01)

    asyncio.run(run())
    return grown()


def test_a_draft_is_measured_when_it_is_the_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert heard(monkeypatch, submitted("draft")) == [0]
    assert heard(monkeypatch, submitted("draft"), cut(1)) == [1]
    assert heard(monkeypatch, submitted("draft"), cut(1), cut(1)) == [1]


def test_a_draft_in_vain_is_not_measured_and_what_is_sent_again_not_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    final, again = submitted("final", 1), submitted("final", 1, attempt=1)
    assert heard(monkeypatch, submitted("draft"), cut(1, revision=1), final, again) == [1]


def gave_up(number: int, code: str, target: str | None = None) -> Append:
    return Append(Decision("gave_up", "ada", number, code=code, target=target, stage="tts"))


def test_what_is_left_out_is_counted_once_however_often_it_is_written() -> None:
    grown = Change(
        ("bridge_shed_total", {"what": "segment"}),
        ("bridge_shed_total", {"what": "speech"}),
        ("bridge_echoes_total", {}),
    )
    session = Tally(measured=False)
    late, mute, echo = gave_up(3, "too_late"), gave_up(4, "too_late", "es"), gave_up(5, "echo")
    for effect in (late, mute, echo, late, mute, echo, gave_up(6, "timed_out")):
        session.see(effect)

    assert grown() == [1, 1, 1]


def test_a_segment_waits_from_its_cut_until_redis_has_it_and_recordings_wait_for_nobody() -> None:
    grown = Change(("bridge_dispatch_seconds_count", {}), ("bridge_dispatch_seconds_sum", {}))
    dispatched(submitted("final"), 100.25)
    dispatched(submitted("draft"), 99.9)  # by a clock that was set right meanwhile
    dispatched(submitted("final", live=False), 130.0)
    dispatched(submitted("final", attempt=1), 130.0)
    dispatched(replace(submitted("final"), stage="tts"), 130.0)

    assert grown() == [2, 0.25]


def test_a_session_that_did_not_come_in_after_all_has_not_ended() -> None:
    here, over = held("alone"), ended()
    census, seat = Census(), Seat("ada", "ada", "alone", TERMS)
    census.came(seat)
    census.left(seat)
    census.ended("ada", "done")

    assert (here(), over()) == ([0], [0] * 5)


def test_what_never_happened_is_nought_and_not_absent() -> None:
    for reason in REASONS:
        assert value(ENDED, reason=reason) >= 0
