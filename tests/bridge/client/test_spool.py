"""What was said and is not safe yet is given out again from where the server wants it, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.client.spool import KEPT_BYTES, Spool

MOST = 20


def spool(keeps: bool = True) -> Spool:
    made = Spool()
    made.keeps = keeps
    return made


def numbered(first: int, count: int) -> bytes:
    """Samples whose level is their place."""
    return b"".join(place.to_bytes(2, "little") for place in range(first, first + count))


def taken(spool: Spool, most: int = MOST) -> list[str | bytes]:
    frames = []
    while (frame := spool.take(most)) is not None:
        frames.append(frame)
    return frames


def test_audio_and_messages_leave_in_the_order_in_which_they_were_said() -> None:
    said = spool()
    said.add_audio(numbered(0, 3))
    said.add("commit")
    said.add_audio(numbered(3, 2))
    said.add("end")
    assert taken(said) == [numbered(0, 3), "commit", numbered(3, 2), "end"]
    assert taken(said) == []


def test_no_frame_is_larger_than_the_server_takes() -> None:
    said = spool()
    said.add_audio(numbered(0, 25))
    assert taken(said, most=21) == [numbered(0, 10), numbered(10, 10), numbered(20, 5)]


def test_audio_is_said_again_from_the_sample_that_the_server_wants_within_a_frame_too() -> None:
    said = spool()
    said.add_audio(numbered(0, 8))
    taken(said)
    said.rewind(3)
    assert taken(said) == [numbered(3, 5)]
    said.rewind(1)
    assert taken(said) == [numbered(1, 7)], "another gateway may have less of it"


def test_messages_are_said_again_at_and_behind_the_place_from_which_the_server_wants_audio() -> None:
    said = spool()
    for part in ("before", "at", "behind"):
        said.add_audio(numbered(0, 4))
        said.add(part)
    taken(said)
    said.rewind(8)
    assert [frame for frame in taken(said) if isinstance(frame, str)] == ["at", "behind"]


def test_what_is_acknowledged_is_forgotten_and_what_waits_to_be_sent_is_not() -> None:
    said = spool()
    said.add_audio(numbered(0, 6))
    said.add("commit")
    taken(said)
    said.add_audio(numbered(6, 4))
    said.free(8)
    assert said.first == 6, "samples that were not even sent cannot be safe"
    taken(said)
    said.free(9)
    said.rewind(0)
    assert taken(said) == [numbered(9, 1)]


def test_frame_that_ends_within_a_sample_is_sent_alone_and_counts_nothing() -> None:
    said = spool()
    said.add_audio(numbered(0, 2))
    said.add_audio(b"\1\2\3")
    said.add_audio(numbered(2, 2))
    assert taken(said) == [numbered(0, 2), b"\1\2\3", numbered(2, 2)]
    assert said.end == 4


def test_nothing_is_kept_for_a_server_that_keeps_no_session() -> None:
    said = spool(keeps=False)
    said.add_audio(bytes(2 * KEPT_BYTES))
    assert not said.full
    said.add("commit")
    taken(said, most=KEPT_BYTES)
    assert (said.first, said.end, said.seconds) == (KEPT_BYTES, KEPT_BYTES, 0)
    said.rewind(0)
    assert taken(said) == []


def test_spool_is_full_at_its_bound_until_something_is_acknowledged() -> None:
    said = spool()
    said.add_audio(bytes(KEPT_BYTES - 2))
    assert not said.full
    said.add_audio(bytes(2))
    assert said.full
    taken(said, most=KEPT_BYTES)
    said.free(1)
    assert not said.full


def test_room_is_made_by_the_oldest_that_was_sent_and_by_nothing_that_was_not() -> None:
    said = spool()
    said.add_audio(bytes(KEPT_BYTES))
    said.yield_room()
    assert said.full
    taken(said, most=KEPT_BYTES)
    said.yield_room()
    assert not said.full
    assert said.first == KEPT_BYTES // 8


@pytest.mark.parametrize("keeps", [True, False])
def test_messages_at_one_place_keep_their_order(keeps: bool) -> None:
    said = spool(keeps)
    said.add("one")
    said.add("two")
    assert taken(said) == ["one", "two"]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(1, 9)),
        st.tuples(st.just("mark"), st.just(0)),
        st.tuples(st.just("take"), st.integers(2, 12)),
        st.tuples(st.just("safe"), st.integers(0, 9)),
        st.tuples(st.just("drop"), st.integers(0, 9)),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whatever_drops_the_server_has_all_audio_once_and_messages_at_their_places(
    steps: list[tuple[str, int]],
) -> None:
    """A server that acknowledges some of what it holds, and forgets the rest when a connection drops."""
    said = spool()
    total, marks = 0, list[tuple[int, str]]()
    heard, seen, safe = bytearray(), list[tuple[int, str]](), 0

    def hear(frame: str | bytes | None) -> None:
        if isinstance(frame, bytes):
            heard.extend(frame)
        elif frame is not None:
            seen.append((len(heard) // 2, frame))

    for kind, number in steps:
        if kind == "say":
            said.add_audio(numbered(total, number))
            total += number
        elif kind == "mark":
            marks.append((total, f"mark {len(marks)}"))
            said.add(marks[-1][1])
        elif kind == "take":
            hear(said.take(number))
        elif kind == "safe":
            safe = min(safe + number, len(heard) // 2)
            said.free(safe)
        else:
            del heard[2 * safe :]
            seen[:] = [mark for mark in seen if mark[0] < safe]
            said.rewind(safe)
    for frame in taken(said):
        hear(frame)
    assert heard == numbered(0, total)
    assert seen == marks
