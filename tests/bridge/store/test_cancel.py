"""A worker that hears of cancellations, and whose connection shows that it lives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.store import cancel, keys
from bridge.store.cancel import Cancellations
from bridge.types import Work
from tests.bridge.rooms import Room
from tests.stack import wait_until

pytestmark = pytest.mark.redis


@pytest.fixture
def cancellations(room: Room) -> Iterator[Cancellations]:
    made = Cancellations(room.url, "w", "life1")
    assert made.listening.wait(5)
    yield made
    made.close()


def listeners(room: Room) -> int:
    counts: Any = room.client.pubsub_numsub(keys.alive("w", "life1"))
    return int(counts[0][1])


def test_a_worker_hears_of_a_cancelled_segment_while_it_works(
    room: Room, cancellations: Cancellations
) -> None:
    room.do(lambda sessions: sessions.cancel_before("alice", 4))
    wait_until(lambda: cancellations.cancelled(Work("alice", 3)), 2, "it hears")

    assert not cancellations.cancelled(Work("alice", 4))
    assert not cancellations.cancelled(Work("bob", 3))
    room.do(lambda sessions: sessions.close_session("alice"))
    wait_until(lambda: cancellations.cancelled(Work("alice", 99)), 2, "it hears of the end")


def test_its_channel_has_a_subscriber_just_as_long_as_it_lives(room: Room) -> None:
    made = Cancellations(room.url, "w", "life1")
    assert made.listening.wait(5)
    assert listeners(room) == 1
    made.close()

    wait_until(lambda: listeners(room) == 0, 2, "the channel is empty")


def test_it_listens_again_after_its_connection_was_cut(room: Room, cancellations: Cancellations) -> None:
    room.client.client_kill_filter(_type="pubsub")
    wait_until(lambda: not cancellations.listening.is_set(), 2, "it notices")
    wait_until(lambda: cancellations.listening.is_set() and listeners(room) == 1, 2, "it listens again")
    room.do(lambda sessions: sessions.cancel_before("alice", 4))

    wait_until(lambda: cancellations.cancelled(Work("alice", 3)), 2, "it hears")


@pytest.mark.parametrize("junk", [b"{", b"7", b'["a"]', b'["a", "x"]', b"[[], 1]", b"\xff"])
def test_a_message_that_cannot_be_read_ends_nothing(
    room: Room, cancellations: Cancellations, junk: bytes
) -> None:
    with capture_logs() as lines:
        room.client.publish(keys.CANCEL, junk)
        room.do(lambda sessions: sessions.cancel_before("alice", 4))
        wait_until(lambda: cancellations.cancelled(Work("alice", 3)), 2, "it hears the next one")

    assert [line["event"] for line in lines] == ["a cancellation cannot be read"]


def test_only_the_sessions_cancelled_last_are_remembered(
    room: Room, cancellations: Cancellations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancel, "SESSIONS", 3)
    for number in range(5):
        room.client.publish(keys.CANCEL, f'["s{number}", 1]')
    wait_until(lambda: cancellations.cancelled(Work("s4", 0)), 2, "it heard all")

    assert [cancellations.cancelled(Work(f"s{number}", 0)) for number in range(5)] == [False] * 2 + [True] * 3


def test_a_dropped_draft_is_cancelled_up_to_its_revision_and_the_segment_is_not(
    room: Room, cancellations: Cancellations
) -> None:
    work = Work("alice", 3, revision=1, draft=True)
    room.do(lambda sessions: sessions.drop("alice", 3, 1))
    wait_until(lambda: cancellations.cancelled(work), 2, "it hears")

    assert cancellations.cancelled(work.but(revision=0))
    assert not cancellations.cancelled(work.but(revision=2))
    assert not cancellations.cancelled(work.but(draft=False))
    assert not cancellations.cancelled(work.but(segment=2))
