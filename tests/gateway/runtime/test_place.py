"""What a client is sent again that says how far it came: all that is missing, and nothing twice."""

from __future__ import annotations

import asyncio
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from bridge.types import SAMPLE_BYTES
from gateway.core.effects import Play, Purge, Say, SpeechBegins, SpeechEnds, SpeechStopped
from gateway.core.pacing import Lane
from gateway.runtime.place import Place
from gateway.runtime.replay import Frame, Replay

RATE = 8_000


def spoken(segment: int, seq: int, *lengths: int, target: str = "es") -> list[Frame]:
    """The frames of a segment in one target, from number `seq` on."""
    found: list[Frame] = [Say(seq, SpeechBegins(segment, target, 0, RATE, lane=target))]
    at = 0
    for samples in (*lengths, 0):
        seq += 1
        pcm = bytes([segment + 1]) * (samples * SAMPLE_BYTES)
        found.append(Play(seq, segment, 0, at, pcm, samples == 0, target, target))
        at += samples
    return [*found, Say(seq + 1, SpeechEnds(segment, target, RATE, 0.0, target))]


def caption(seq: int) -> Say:
    return Say(seq, SpeechStopped(0))


def missing(place: Place, *frames: Frame | Purge) -> list[Frame]:
    async def folded() -> list[Frame]:
        replay = Replay()
        replay.begin([("1-0", frame) for frame in frames], 0)
        return replay.since(place)

    return asyncio.run(folded())


def numbers(frames: list[Frame]) -> list[int]:
    return [frame.seq for frame in frames]


def test_in_one_order_all_that_comes_after_the_last_frame_is_missing() -> None:
    frames = [*spoken(0, 2, 100), caption(6)]
    assert numbers(missing(Place(3), *frames)) == [4, 5, 6]
    place = Place(3, {"es": (5, 0)})
    assert numbers(missing(place.numbered(0, False), *frames)) == [4, 5, 6]


def test_captions_that_overtook_speech_are_not_said_again_and_the_speech_is() -> None:
    frames = [*spoken(0, 2, 100, 50), caption(7), caption(8)]
    place = Place(7, {"es": (3, 60)}).numbered(0, True)
    found = missing(place, *frames)

    assert numbers(found) == [3, 4, 5, 6, 8]
    assert isinstance(found[0], Play)
    assert (found[0].offset, len(found[0].pcm)) == (60, 40 * SAMPLE_BYTES)


def test_a_target_of_which_nothing_arrived_is_sent_from_its_start() -> None:
    frames = [*spoken(0, 2, 100), *spoken(0, 7, 100, target="ca"), caption(12)]
    found = missing(Place(12, {"es": (5, 0)}).numbered(0, True), *frames)
    assert numbers(found) == [7, 8, 9, 10]


def test_numbers_of_a_client_are_those_of_the_fold_shifted() -> None:
    frames = spoken(0, 12, 100)
    found = missing(Place(30, {"es": (3, 100)}).numbered(10, True), *frames)
    assert numbers(found) == [14, 15]


def test_speech_that_was_stopped_is_not_sent_to_one_who_comes_back() -> None:
    frames = [*spoken(0, 2, 100), Purge(1), *spoken(1, 6, 100)]
    assert numbers(missing(Place(1), *frames)) == [2, 5, 6, 7, 8, 9]
    assert numbers(missing(Place(1), *frames, Purge(inf))) == [2, 5, 6, 9]


@given(
    st.lists(st.lists(st.integers(1, 400), min_size=1, max_size=4), min_size=1, max_size=3),
    st.integers(0, 40),
)
def test_wherever_a_connection_breaks_each_sample_arrives_once(
    segments: list[list[int]], broken: int
) -> None:
    frames: list[Frame] = []
    for segment, lengths in enumerate(segments):
        frames += spoken(segment, 2 + len(frames), *lengths)
    first = _left(frames)[:broken]
    heard = {"es": _place(first)} if first else {}
    rest = _left(missing(Place(99, heard).numbered(0, True), *frames))

    assert _told([*first, *rest]) == _told(_left(frames))


def _left(frames: list[Frame]) -> list[str | Play]:
    """What a lane makes of them."""
    lane = Lane(RATE, 20)
    for frame in frames:
        lane.add(frame if isinstance(frame, Play) else str(frame.seq), 0.0)
    found, now = [], 0.0
    while (item := lane.take(now)) is not None:
        found.append(item)
        now += 1
    return found


def _place(arrived: list[str | Play]) -> tuple[int, int]:
    last = arrived[-1]
    if isinstance(last, str):
        return int(last), 0
    return last.seq, last.offset + len(last.pcm) // SAMPLE_BYTES


def _told(items: list[str | Play]) -> list[object]:
    """Messages, and of the speech between them every sample, however it is cut."""
    found: list[object] = []
    for item in items:
        if isinstance(item, str):
            found.append(item)
        elif found and isinstance(found[-1], list) and found[-1][0] == item.segment:
            assert item.offset == found[-1][1]
            found[-1] = [item.segment, item.offset + len(item.pcm) // SAMPLE_BYTES, item.last]
        else:
            found.append([item.segment, item.offset + len(item.pcm) // SAMPLE_BYTES, item.last])
    return found
