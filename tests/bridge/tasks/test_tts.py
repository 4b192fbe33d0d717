"""How speech is cut into pieces for the wire."""

from __future__ import annotations

from bridge.tasks.tts import PIECE_MS, Pieces

RATE = 24_000
CHUNK = bytes(RATE // 50 * 2)  # 20 ms


def test_the_first_chunk_leaves_at_once_and_later_ones_are_joined() -> None:
    pieces = Pieces(RATE)
    made = [event for _ in range(41) for event in pieces.add(CHUNK)]

    assert [len(event["pcm"]) for event in made] == [len(CHUNK)] + [len(CHUNK) * PIECE_MS // 20] * 4
    assert [event["index"] for event in made] == [0, 1, 2, 3, 4]


def test_offsets_continue_and_nothing_is_lost() -> None:
    pieces = Pieces(RATE)
    made = [event for _ in range(15) for event in pieces.add(CHUNK)] + pieces.add(b"", last=True)

    at = 0
    for event in made:
        assert event["offset"] == at
        at += len(event["pcm"]) // 2
    assert at == pieces.sent == 15 * RATE // 50


def test_an_engine_that_says_nothing_makes_no_piece() -> None:
    pieces = Pieces(RATE)

    assert pieces.add(b"") == []
    assert pieces.add(b"", last=True) == []
    assert (pieces.count, pieces.sent) == (0, 0)
