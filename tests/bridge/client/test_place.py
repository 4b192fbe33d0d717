"""How far a session came: in one order, or captions and the speech of each target each in their own."""

from __future__ import annotations

from bridge.client.place import Place
from bridge.protocol import server_messages, wire
from bridge.protocol.client_messages import Heard


def start(seq: int, segment: int, target: str = "es", index: int = 0) -> server_messages.AudioStart:
    return server_messages.AudioStart(seq=seq, segment=segment, target=target, index=index, rate=8000)


def end(seq: int, segment: int, target: str = "es") -> server_messages.AudioEnd:
    return server_messages.AudioEnd(seq=seq, segment=segment, target=target, rate=8000, duration_ms=1.0)


def sound(seq: int, segment: int, offset: int, index: int = 0) -> wire.AudioFrame:
    return wire.AudioFrame(seq, segment, index, offset, bytes(320))


def caption(seq: int) -> server_messages.SpeechStopped:
    return server_messages.SpeechStopped(seq=seq, segment=0)


def paced() -> Place:
    place = Place()
    place.paced = True
    return place


def test_in_one_order_the_last_number_tells_all() -> None:
    place = Place()
    assert [place.note(it) for it in (start(2, 0), sound(3, 0, 0), caption(4), sound(3, 0, 0))] == [
        True,
        True,
        True,
        False,
    ]
    assert (place.last_seq, place.heard) == (4, None)


def test_parts_of_one_number_are_told_apart_by_their_offset() -> None:
    place = paced()
    frames = (start(2, 0), sound(3, 0, 0), sound(3, 0, 160), sound(3, 0, 160), sound(3, 0, 0))
    assert [place.note(it) for it in frames] == [True, True, True, False, False]
    assert place.heard == (Heard(target="es", seq=3, samples=320),)


def test_captions_that_overtake_speech_do_not_count_as_speech() -> None:
    place = paced()
    for it in (start(2, 0), sound(3, 0, 0), caption(9), sound(3, 0, 160)):
        assert place.note(it)
    assert place.last_seq == 9
    assert place.heard == (Heard(target="es", seq=3, samples=320),)
    assert not place.note(caption(9))


def test_each_target_has_a_place_of_its_own_whatever_its_index_in_a_segment() -> None:
    place = paced()
    for it in (
        start(2, 0),
        start(3, 0, "ca", 1),
        sound(4, 0, 0),
        end(5, 0),
        sound(6, 0, 0, 1),
        end(7, 0, "ca"),
    ):
        assert place.note(it)
    for it in (start(8, 1, "ca", 0), sound(9, 1, 0, 0)):
        assert place.note(it)
    assert place.heard == (Heard(target="ca", seq=9, samples=160), Heard(target="es", seq=5, samples=0))
