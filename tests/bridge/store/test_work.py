"""Taking a piece of work: decided in one place, on the clock that all hosts share."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.store import keys
from bridge.store.work import CLAIM_SECONDS, Desk
from bridge.types import Event, Work, item_name
from tests.bridge.rooms import Room

pytestmark = pytest.mark.redis

WORK = Work("alice", 3, "room", revision=1, attempt=2, target="es")
ITEM = item_name("alice", 3, 1, "tts", "es", 2)


@pytest.fixture
def desk(room: Room) -> Iterator[Desk]:
    made = Desk(room.url)
    yield made
    made.close()


def test_wanted_work_comes_with_its_audio_and_its_start_is_in_the_journal(room: Room, desk: Desk) -> None:
    key = room.do(lambda sessions: sessions.put_audio("alice", 3, 1, b"\x01\x02", 30))
    now = room.now()
    taken = desk.take("tts", WORK.but(audio=key, sent=now - 0.5), "w", [ITEM, "other"])

    assert (taken.verdict, taken.pcm) == ("wanted", b"\x01\x02")
    assert now <= taken.at < now + 1
    (started,) = room.events()
    assert 500 <= started.queued_ms < 1_500
    assert started == Event("started", "tts", "alice", 3, 1, 2, "es", worker="w", queued_ms=started.queued_ms)
    told: Any = room.client.hget(keys.RUNNING, "w")
    assert json.loads(told) == [ITEM, "other"]


def test_work_that_never_says_when_it_was_sent_was_not_queued_for_decades(room: Room, desk: Desk) -> None:
    desk.take("tts", WORK, "w", [])

    assert room.events()[0].queued_ms == 0


def test_audio_that_expired_is_missing_and_not_empty(desk: Desk) -> None:
    assert desk.take("stt", WORK.but(audio="audio:alice:3:1"), "w", []).pcm is None


def test_an_attempt_is_taken_once_whoever_delivers_it_again(room: Room, desk: Desk) -> None:
    other = Desk(room.url)
    verdicts = [each.take("tts", WORK, name, []).verdict for each, name in ((desk, "w"), (other, "v"))]
    other.close()

    assert verdicts == ["wanted", "taken"]
    assert desk.take("tts", WORK.but(attempt=3), "w", []).verdict == "wanted"
    assert [event.attempt for event in room.events()] == [2, 3]
    assert room.client.hget(keys.RUNNING, "v") is None


def test_a_dropped_draft_never_begins_and_later_revisions_do(room: Room, desk: Desk) -> None:
    room.do(lambda sessions: sessions.keep({"alice": 0}, 60))
    room.do(lambda sessions: sessions.drop("alice", 3, 1))
    draft = WORK.but(draft=True)

    assert desk.take("tts", draft, "w", []).verdict == "gone"
    assert desk.take("tts", draft.but(revision=0), "w", []).verdict == "gone"
    assert desk.take("tts", draft.but(revision=2), "w", []).verdict == "wanted"
    assert desk.take("tts", draft.but(segment=4), "w", []).verdict == "wanted"
    assert desk.take("tts", WORK, "w", []).verdict == "wanted"


def test_a_call_that_is_sent_again_after_a_lost_answer_still_gets_its_work(
    room: Room, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What redis-py does when a connection breaks before the answer: the same call, the same token.
    monkeypatch.setattr(secrets, "token_hex", lambda _: "one token")
    verdicts = [desk.take("tts", WORK, "w", []).verdict for _ in range(2)]

    assert verdicts == ["wanted", "wanted"]
    assert len(room.events()) == 1


def test_speech_that_is_due_is_late_and_words_and_what_was_begun_are_not(room: Room, desk: Desk) -> None:
    work = WORK.but(due=room.now() - 1, deadline=room.now() + 60)
    verdicts = [
        desk.take("tts", work, "w", []).verdict,
        desk.take("translation", work.but(target="es"), "w", []).verdict,
        desk.take("tts", work.but(segment=4, sentence=1), "w", []).verdict,
        desk.take("tts", work.but(segment=5, due=0.0), "w", []).verdict,
    ]
    assert verdicts == ["late", "wanted", "wanted", "wanted"]


def test_work_after_its_deadline_is_late_by_the_clock_of_redis(room: Room, desk: Desk) -> None:
    now = room.now()
    late = desk.take("tts", WORK.but(deadline=now - 2), "w", [])
    early = desk.take("tts", WORK.but(segment=4, deadline=now + 2), "w", [])

    assert (late.verdict, early.verdict) == ("late", "wanted")
    assert 2 <= late.at - (now - 2) + 0.001 < 3


def test_a_claim_lasts_as_long_as_the_work_is_wanted(room: Room, desk: Desk) -> None:
    desk.take("tts", WORK, "w", [])
    desk.take("tts", WORK.but(segment=4, deadline=room.now() + 1_000), "w", [])

    assert CLAIM_SECONDS - 5 < room.client.ttl(keys.claim(ITEM)) <= CLAIM_SECONDS
    assert 990 < room.client.ttl(keys.claim(item_name("alice", 4, 1, "tts", "es", 2))) <= 1_000


def test_work_of_a_session_that_is_over_leaves_nothing_behind(room: Room, desk: Desk) -> None:
    room.do(lambda sessions: sessions.close_session("alice"))
    room.client.delete(keys.journal("room"))
    verdict = desk.take("tts", WORK, "w", [ITEM]).verdict
    desk.emit("room", Event("text", "tts", "alice", 3))

    assert verdict == "gone"
    assert room.client.keys("*") == []


def test_what_a_worker_emits_is_in_the_journal_of_the_room_in_order(room: Room, desk: Desk) -> None:
    made = [Event("audio", "tts", "alice", 3, index=number, pcm=bytes(2)) for number in range(3)]
    for event in made:
        desk.emit("room", event)

    assert room.events() == made


def test_what_runs_is_replaced_by_what_is_told_next(room: Room, desk: Desk) -> None:
    desk.runs("w", ["a", "b"])
    desk.runs("w", [])

    assert room.client.hgetall(keys.RUNNING) == {b"w": b"[]"}
