"""For how many who speak the engines have time."""

from __future__ import annotations

import pytest

from bridge.types import Stage
from gateway.core.capacity import FULL, LEAST, Capacity

BUSY: dict[Stage, float] = {"stt": 0.4, "translation": 0.1, "tts": 0.1}
SLOTS: dict[Stage, int] = {"stt": 1, "translation": 1, "tts": 1}


def spoken(seconds: int, sessions: int, every: int, targets: int = 1) -> Capacity:
    """So many sessions, each with a segment every so many seconds."""
    capacity = Capacity()
    for second in range(1, seconds + 1):
        capacity.pass_time(float(second), sessions)
        if second % every == 0:
            for _ in range(sessions):
                capacity.asked(targets)
    return capacity


def test_the_need_of_one_is_the_average_of_those_who_spoke() -> None:
    assert spoken(400, 3, 4).need("stt") == pytest.approx(1 / 4, rel=0.05)


def test_as_many_are_let_in_as_the_scarcest_stage_can_serve() -> None:
    capacity = spoken(400, 3, 4)
    most = FULL * 4 / 0.4  # who speaks a segment in 4 s
    assert capacity.has_room(int(most * 0.95), BUSY, SLOTS)
    assert not capacity.has_room(int(most * 1.1) + 1, BUSY, SLOTS)
    assert capacity.has_room(int(2 * most * 0.95), BUSY, SLOTS | {"stt": 2})


def test_every_target_needs_its_own_translation_and_speech() -> None:
    capacity = spoken(400, 3, 4, targets=8)
    assert capacity.need("tts") == pytest.approx(8 * capacity.need("stt"))
    assert not capacity.has_room(5, BUSY, SLOTS)


def test_nobody_is_refused_before_anything_was_measured() -> None:
    assert Capacity().has_room(1_000, BUSY, SLOTS)
    assert spoken(int(LEAST / 4), 3, 1).has_room(1_000, BUSY, SLOTS)


def test_those_who_only_listen_to_themselves_being_silent_need_little() -> None:
    capacity = spoken(100, 3, 4)
    busy = capacity.need("stt")
    for second in range(101, 401):
        capacity.pass_time(float(second), 3)
    assert capacity.need("stt") < busy / 20


def test_a_stage_without_workers_refuses_nobody() -> None:
    """That is told otherwise, with the name of the stage."""
    assert spoken(400, 3, 4).has_room(5, BUSY, SLOTS | {"tts": 0})
