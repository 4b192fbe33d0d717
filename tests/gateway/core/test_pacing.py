"""Speech leaves in frames of one length, as fast as it is heard, three ahead; none is lost or doubled."""

from __future__ import annotations

from array import array
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.types import SAMPLE_BYTES
from gateway.core.effects import Play
from gateway.core.pacing import LATE_SECONDS, LEAD_FRAMES, Item, Lane, Pacing

RATE = 8_000
FRAME = 160  # samples in 20 ms


def piece(seq: int, offset: int, samples: int, segment: int = 0, last: bool = False) -> Play:
    """Speech whose every sample is its place."""
    pcm = array("h", [place % 32_000 for place in range(offset, offset + samples)]).tobytes()
    return Play(seq, segment, 0, offset, pcm, last, "es", "es")


def pieces(*lengths: int, segment: int = 0) -> list[Play]:
    """Speech in pieces of so many samples, the last one without any, as the journal has them."""
    found, at = [], 0
    for seq, samples in enumerate(lengths, 2):
        found.append(piece(seq, at, samples, segment))
        at += samples
    return [*found, piece(len(lengths) + 2, at, 0, segment, last=True)]


def filled(*items: Item, frame_ms: int = 20) -> Lane:
    lane = Lane(RATE, frame_ms)
    for item in items:
        lane.add(item, 0.0)
    return lane


def heard(lane: Lane, until: float = 1e9) -> list[tuple[float, Item]]:
    """What leaves up to a time, at the times when the lane wants to be asked."""
    found: list[tuple[float, Item]] = []
    now = 0.0
    while (due := lane.due()) < inf and (now := max(now, due)) <= until:
        item = lane.take(now)
        assert item is not None
        found.append((now, item))
    return found


def sounds(found: list[tuple[float, Item]]) -> list[Play]:
    return [item for _, item in found if isinstance(item, Play)]


def test_three_frames_leave_at_once_and_then_one_each_twenty_milliseconds() -> None:
    found = heard(filled(*pieces(10 * FRAME)))

    times = [round(at * 1000) for at, item in found if isinstance(item, Play) and item.pcm]
    assert times == [0, 0, 0, 20, 40, 60, 80, 100, 120, 140]
    assert {len(item.pcm) // SAMPLE_BYTES for item in sounds(found)[:-1]} == {FRAME}


def test_no_time_is_lost_in_a_minute_of_late_wakes() -> None:
    lane = filled(*pieces(60 * RATE))
    wakes, at = 0, 0.0
    while not lane.empty:
        at = max(at, lane.due()) + (wakes % 7) / 1000  # up to 6 ms late each time
        while lane.due() <= at:
            lane.take(at)
        wakes += 1

    assert at == pytest.approx(60 - LEAD_FRAMES * 0.02, abs=0.01)


def test_the_time_of_the_next_frame_does_not_depend_on_how_late_the_one_before_was() -> None:
    lane = filled(*pieces(20 * FRAME))
    while lane.take(0.0) is not None:
        pass
    assert lane.due() == pytest.approx(0.02)
    assert lane.take(0.033) is not None
    assert lane.due() == pytest.approx(0.04)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=8), st.sampled_from([10, 20, 33]))
def test_frames_are_whole_across_pieces_and_have_every_sample_once(lengths: list[int], frame_ms: int) -> None:
    found = sounds(heard(filled(*pieces(*lengths), frame_ms=frame_ms)))
    size = RATE * frame_ms // 1000 * SAMPLE_BYTES

    assert all(len(frame.pcm) == size for frame in found[:-1][: sum(lengths) * SAMPLE_BYTES // size])
    assert b"".join(frame.pcm for frame in found) == piece(0, 0, sum(lengths)).pcm
    place = 0
    for frame in found:
        assert frame.offset == place
        place += len(frame.pcm) // SAMPLE_BYTES
    assert [frame.last for frame in found] == [False] * (len(found) - 1) + [True]


@given(st.lists(st.integers(1, 700), min_size=1, max_size=8))
def test_a_frame_has_the_number_of_the_piece_in_which_it_ends(lengths: list[int]) -> None:
    whole = pieces(*lengths)
    for frame in sounds(heard(filled(*whole))):
        end = frame.offset + len(frame.pcm) // SAMPLE_BYTES
        (of,) = [each for each in whole if each.seq == frame.seq]
        assert of.offset <= end <= of.offset + len(of.pcm) // SAMPLE_BYTES


def test_a_rest_waits_for_the_next_piece_to_fill_its_frame() -> None:
    lane = filled(piece(2, 0, FRAME + 100))
    assert len(sounds(heard(lane))) == 1
    assert lane.due() == inf
    lane.add(piece(3, FRAME + 100, 60), 1.0)
    frame = lane.take(1.0)

    assert isinstance(frame, Play)
    assert (frame.seq, frame.offset, len(frame.pcm)) == (3, FRAME, FRAME * SAMPLE_BYTES)


def test_messages_keep_their_place_between_pieces_and_take_no_time() -> None:
    lane = filled("start 0", *pieces(FRAME), "end 0", "start 1", *pieces(FRAME, segment=1), "end 1")
    found = [item if isinstance(item, str) else item.segment for _, item in heard(lane)]

    assert found == ["start 0", 0, 0, "end 0", "start 1", 1, 1, "end 1"]


def test_after_a_stall_no_more_than_the_lead_comes_at_once() -> None:
    lane = filled(*pieces(50 * FRAME))
    heard(lane, until=0.1)
    at_once = 0
    while lane.take(5.0) is not None:
        at_once += 1

    assert at_once == LEAD_FRAMES
    assert lane.due() == pytest.approx(5.02)


def test_a_purge_in_the_midst_of_a_frame_leaves_the_later_segments_whole() -> None:
    lane = filled("start 0", *pieces(90, 500), "end 0", "start 1", *pieces(2 * FRAME, segment=1), "end 1")
    lane.take(0.0), lane.take(0.0)
    lane.purge(1)
    found = heard(lane)

    assert [item for _, item in found if isinstance(item, str)] == ["end 0", "start 1", "end 1"]
    assert b"".join(frame.pcm for frame in sounds(found)) == piece(0, 0, 2 * FRAME).pcm
    assert (lane.empty, lane.seconds) == (True, 0.0)


def test_the_speech_that_waits_is_told_in_seconds() -> None:
    lane = filled(*pieces(RATE, RATE))
    assert lane.seconds == 2.0
    lane.take(0.0)
    assert lane.seconds == pytest.approx(1.98)


# --- several lanes ---


def paced(seconds: float = 1.0, lanes: str = "ab") -> Pacing:
    pacing = Pacing(RATE, 20)
    for lane in lanes:
        for each in pieces(int(RATE * seconds)):
            pacing.add(lane, each, 0.0)
    return pacing


def take_all(pacing: Pacing, now: float) -> list[Item]:
    found = []
    while (item := pacing.take(now)) is not None:
        found.append(item)
    return found


def test_lanes_are_heard_beside_each_other() -> None:
    pacing = paced()
    assert len(take_all(pacing, 0.0)) == 2 * LEAD_FRAMES
    assert len(take_all(pacing, 0.02)) == 2
    assert pacing.due() == pytest.approx(0.04)


def test_what_is_held_stands_still_and_goes_on_where_it_stood() -> None:
    pacing = paced(lanes="a")
    before = len(take_all(pacing, 0.0))
    pacing.hold(True, 0.01)
    assert (pacing.due(), take_all(pacing, 5.0)) == (inf, [])
    pacing.hold(False, 9.0)
    after = take_all(pacing, 9.0)

    assert isinstance(after[0], Play)
    assert after[0].offset == before * FRAME


def test_speech_that_waits_for_too_long_is_left_out_and_pauses_do_not_count() -> None:
    pacing = paced(2.0)
    pacing.add("a", "end", 0.0)
    pacing.hold(True, 1.0)
    pacing.hold(False, 101.0)
    assert pacing.skip(100.0 + LATE_SECONDS) == (0, 0.0)
    assert pacing.skip(100.1 + LATE_SECONDS) == (1, 4000.0)
    assert take_all(pacing, 200.0) == ["end"]
    assert pacing.skip(999.0) == (0, 0.0)
