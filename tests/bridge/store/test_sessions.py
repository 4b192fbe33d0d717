"""Which work of a session is still wanted: the gateway's side, seen by a worker that takes it."""

from __future__ import annotations

import pytest

from bridge.store import keys
from bridge.store.work import Desk
from bridge.types import Work
from tests.bridge.rooms import Room

pytestmark = pytest.mark.redis


def verdicts(room: Room, *works: Work) -> list[str]:
    desk = Desk(room.url)
    try:
        return [desk.take("stt", work, "w", []).verdict for work in works]
    finally:
        desk.close()


def test_segments_before_the_cancelled_number_are_gone_and_later_ones_wanted(room: Room) -> None:
    room.do(lambda sessions: sessions.cancel_before("alice", 4))

    assert verdicts(room, *(Work("alice", number) for number in (3, 4, 5))) == ["gone", "wanted", "wanted"]


def test_keeping_a_session_does_not_undo_a_cancel(room: Room) -> None:
    room.do(lambda sessions: sessions.cancel_before("alice", 4))
    room.do(lambda sessions: sessions.keep({"alice": 0}, 60))

    assert verdicts(room, Work("alice", 3)) == ["gone"]


def test_a_session_is_made_anew_in_a_redis_that_lost_it_from_where_it_is(room: Room) -> None:
    room.client.flushall()
    room.do(lambda sessions: sessions.keep({"alice": 7}, 60))

    assert verdicts(room, Work("alice", 6), Work("alice", 7)) == ["gone", "wanted"]


def test_attempts_before_the_one_sent_again_never_begin_until_the_matter_is_settled(room: Room) -> None:
    room.do(lambda sessions: sessions.supersede("alice", 3, 0, "stt", None, 2))
    works = [Work("alice", 3, attempt=number) for number in range(3)]

    assert verdicts(room, *works) == ["superseded", "superseded", "wanted"]
    assert verdicts(room, Work("alice", 2), Work("alice", 4)) == ["wanted", "wanted"]

    room.do(lambda sessions: sessions.settle("alice", [keys.least(3, 0, "stt", None)]))
    assert verdicts(room, works[0]) == ["wanted"]


def test_a_closed_session_is_gone_and_nothing_brings_it_back(room: Room) -> None:
    room.do(lambda sessions: sessions.close_session("alice"))
    room.do(lambda sessions: sessions.cancel_before("alice", 4))
    room.do(lambda sessions: sessions.supersede("alice", 3, 0, "stt", None, 2))

    assert verdicts(room, Work("alice", 9)) == ["gone"]
    assert room.client.keys("*alice*") == []


def test_a_session_that_is_kept_no_more_ends_by_itself(room: Room) -> None:
    room.do(lambda sessions: sessions.keep({"alice": 0, "bob": 0}, 60))
    room.do(lambda sessions: sessions.cancel_before("alice", 4))

    assert all(50 < room.client.ttl(keys.live(name)) <= 60 for name in ("alice", "bob"))


def test_speech_waits_for_its_worker_until_it_is_dropped_or_too_old(room: Room) -> None:
    first = room.do(lambda sessions: sessions.put_audio("alice", 0, 0, b"\x01\x02", 30))
    second = room.do(lambda sessions: sessions.put_audio("alice", 0, 1, b"\x03\x04", 30))

    assert first != second
    assert room.client.get(first) == b"\x01\x02"
    assert 0 < room.client.pttl(first) <= 30_000
    room.do(lambda sessions: sessions.drop_audio(first, second))
    assert room.client.keys("audio:*") == []
