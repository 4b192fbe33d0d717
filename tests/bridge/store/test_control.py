"""PAUSE, RESUME and STOP reach the workers at once, and a worker that speaks acknowledges them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from bridge.metrics.worker import OBEYED
from bridge.store import keys
from bridge.store.cancel import Cancellations
from bridge.store.control import WORDS, Command, Obedience
from bridge.store.work import Desk
from bridge.types import Decision, Event, Work
from tests.bridge.metrics.grown import Grown
from tests.bridge.rooms import Room
from tests.stack import wait_until

pytestmark = pytest.mark.redis


@pytest.fixture
def mouth(room: Room) -> Iterator[Cancellations]:
    desk = Desk(room.url)
    made = Cancellations(room.url, "w", "life1", Obedience(desk, "w", OBEYED.observe))
    assert made.listening.wait(5)
    yield made
    made.close()
    desk.close()


def told(room: Room, kind: str, segment: int = 0, number: int = 7) -> None:
    decision = Decision(kind, "alice", number, segment)  # type: ignore[arg-type]
    room.do(lambda sessions: sessions.tell("room", decision, room.now()))


def obeyed(room: Room, count: int = 1) -> list[Event]:
    wait_until(lambda: len(room.events()) >= count, 2, "it is acknowledged")
    return room.events()


def test_each_command_is_acknowledged_by_its_number_and_in_the_words_that_operators_look_for(
    room: Room, mouth: Cancellations
) -> None:
    with capture_logs() as lines:
        for number, kind in enumerate(WORDS):
            told(room, kind, number=number)
        events = obeyed(room, 3)
        wait_until(lambda: len(lines) >= 3, 2, "it is logged")

    assert [(it.kind, it.session, it.index, it.worker) for it in events] == [
        ("obeyed", "alice", number, "w") for number in range(3)
    ]
    for line, event, word in zip(lines, events, ("PAUSE", "RESUME", "STOP"), strict=True):
        assert re.fullmatch(rf"{word} received, latency: {event.queued_ms:.1f} ms", line["event"])
        assert (line["session"], line["latency_ms"]) == ("alice", event.queued_ms)
    assert all(0 <= event.queued_ms < 1_000 for event in events)


def test_the_way_of_each_command_from_the_gateway_is_measured(room: Room, mouth: Cancellations) -> None:
    grown = Grown()
    decision = Decision("paused", "alice", 7, 0)
    room.do(lambda sessions: sessions.tell("room", decision, room.now() - 0.2))
    obeyed(room)
    wait_until(lambda: grown("bridge_worker_control_seconds_count") == 1, 2, "it is measured")

    assert 0.2 <= grown("bridge_worker_control_seconds_sum") < 1


def test_a_stop_ends_the_work_on_what_comes_before_its_segment(room: Room, mouth: Cancellations) -> None:
    told(room, "stopped", segment=4)
    obeyed(room)

    assert mouth.cancelled(Work("alice", 3))
    assert not mouth.cancelled(Work("alice", 4))


def test_a_pause_ends_no_work(room: Room, mouth: Cancellations) -> None:
    told(room, "paused", segment=4)
    obeyed(room)

    assert not mouth.cancelled(Work("alice", 0))


def test_a_room_that_is_over_hears_nothing_and_does_not_come_back(room: Room, mouth: Cancellations) -> None:
    room.client.delete(keys.journal("room"))
    with capture_logs() as lines:
        told(room, "paused")
        wait_until(lambda: lines != [], 2, "it is obeyed")

    assert room.client.exists(keys.journal("room")) == 0


def test_who_does_not_speak_hears_of_it_and_acknowledges_nothing(room: Room) -> None:
    silent = Cancellations(room.url, "w", "life1")
    assert silent.listening.wait(5)
    told(room, "stopped", segment=4)
    wait_until(lambda: silent.cancelled(Work("alice", 3)), 2, "it hears")
    silent.close()

    assert room.events() == []


@pytest.mark.parametrize(
    "junk", [b'{"command": "PAUSE"}', b'{"command": "DANCE", "session": "a", "room": "r"}']
)
def test_a_command_that_cannot_be_read_ends_nothing(room: Room, mouth: Cancellations, junk: bytes) -> None:
    room.client.publish(keys.CANCEL, junk)
    told(room, "paused")

    assert [event.index for event in obeyed(room)] == [7]


def test_a_command_is_read_as_it_was_published() -> None:
    command = Command.of("room", Decision("stopped", "alice", 3, 5), 12.5)

    assert command == Command("STOP", "alice", "room", 3, 5, 12.5)
