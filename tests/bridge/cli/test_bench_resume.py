"""What a benchmark of lost connections counts, and how it breaks one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from websockets.exceptions import ConnectionClosed

from bridge.cli.bench import resume
from bridge.cli.bench.faults import Droppable
from bridge.cli.bench.resume import seats
from bridge.cli.bench.witness import Losses, Witness, again_ms, compared
from bridge.protocol import server_messages as said
from bridge.protocol import wire
from tests.peer import Peer

Frames = list[said.ServerMessage | wire.AudioFrame]
PCM = bytes(range(200))


def segment(number: int, seq: int, pcm: bytes = PCM, text: str = "one") -> Frames:
    """A segment of one second with one target, as a faultless gateway tells of it in ten frames."""
    start = number * 4000.0
    half = len(pcm) // 2
    caption = {"text": text, "language": "en", "start_ms": start, "end_ms": start + 1000}
    return [
        said.SpeechStarted(seq=seq, segment=number),
        said.SpeechStopped(seq=seq + 1, segment=number),
        said.TranscriptFinal(seq=seq + 2, segment=number, **caption),
        said.TranslationFinal(seq=seq + 3, segment=number, target="es", text="uno"),
        said.AudioStart(seq=seq + 4, segment=number, target="es", index=0, rate=24_000),
        wire.AudioFrame(seq + 5, number, 0, 0, pcm[:half]),
        wire.AudioFrame(seq + 6, number, 0, half // 2, pcm[half:]),
        wire.AudioFrame(seq + 7, number, 0, len(pcm) // 2, b"", last=True),
        said.AudioEnd(seq=seq + 8, segment=number, target="es", rate=24_000, duration_ms=4.2),
        said.SegmentDone(seq=seq + 9, segment=number, timings_ms=said.Timings()),
    ]


def session() -> Frames:
    return [*segment(0, 2), *segment(1, 12)]


def heard(frames: Frames, began: float = 0.0) -> Witness:
    """Who heard a frame each second."""
    witness = Witness()
    witness.began = began
    for number, frame in enumerate(frames):
        witness.take(frame, began + number)
    return witness


def losses(frames: Frames) -> Losses:
    return compared(heard(session()), heard(frames))


def test_the_same_frames_are_no_loss() -> None:
    assert losses(session()) == Losses(segments=2)


def test_answers_and_receipts_are_not_compared() -> None:
    assert losses([said.Pong(seq=1), *session(), said.AudioAck(seq=0, samples=9)]) == Losses(segments=2)


def test_a_segment_of_which_nothing_came_is_missing_and_its_speech_is_lost() -> None:
    assert losses(segment(0, 2)) == Losses(segments=2, missing=1, lost_speech_ms=1000)


@pytest.mark.parametrize("without", [3, 5, 6, 8, 9])
def test_a_segment_that_lacks_words_speech_or_its_end_is_missing(without: int) -> None:
    frames = session()
    del frames[without]
    assert losses(frames).missing == 1


def test_a_segment_that_was_announced_as_failed_is_missing() -> None:
    failed = said.SegmentFailed(seq=22, segment=1, stage="tts", code="lost", message="m")
    assert losses([*session(), failed]).missing == 1


@pytest.mark.parametrize("number", range(10))
def test_a_frame_that_comes_twice_is_doubled_whichever_it_is(number: int) -> None:
    found = losses([*session(), session()[number]])
    assert found.doubled >= 1
    assert found.out_of_order >= 1


def test_a_hole_in_the_speech_is_skipped_and_missing() -> None:
    frames = session()
    del frames[5]
    assert losses(frames) == Losses(segments=2, missing=1, skipped=2)


def test_other_pcm_other_words_and_another_place_are_unlike() -> None:
    assert losses([*segment(0, 2, bytes(200)), *segment(1, 12)]) == Losses(segments=2, unlike=1)
    assert losses([*segment(0, 2), *segment(1, 12, text="two")]) == Losses(segments=2, unlike=1)


def test_a_segment_that_nobody_spoke_is_unlike() -> None:
    assert losses([*session(), *segment(2, 22)]) == Losses(segments=2, unlike=1)


def test_speech_before_that_of_an_earlier_segment_is_out_of_order() -> None:
    assert losses([*segment(1, 2), *segment(0, 12)]).out_of_order == 1


def test_speech_that_a_later_segment_took_along_is_not_lost() -> None:
    late = said.TranscriptFinal(seq=9, segment=1, text="both", language="en", start_ms=200, end_ms=5000)
    assert losses([late]).lost_speech_ms == 200


def test_a_session_that_was_given_up_is_dropped() -> None:
    witness = heard(session())
    witness.failure = "resume_expired"
    assert compared(heard(session()), witness) == Losses(segments=2, dropped=1)


def again(lost: float, resumed: float, late: float) -> list[tuple[str, float]]:
    """`late` is by how much the frame due 5 s after the beginning comes late."""
    usual = heard(session())
    witness = heard(session()[:5], began=100.0)
    witness.lose("kill", 100.0 + lost)
    witness.resume(100.0 + resumed)
    witness.take(session()[5], 105.0 + late)
    return again_ms(usual, witness)


@pytest.mark.parametrize(
    ("lost", "resumed", "late", "ms"),
    [
        (4.2, 4.5, 0.0, 300.0),  # the session goes on, and nothing was due before its time
        (4.2, 4.5, 0.7, 700.0),  # what was due came late
        (4.2, 5.3, 0.4, 1100.0),
        (5.1, 5.2, 0.6, 500.0),  # what was due before is late from the loss on
    ],
)
def test_heard_again_is_from_the_network_on_until_what_was_due_is_there(
    lost: float, resumed: float, late: float, ms: float
) -> None:
    assert again(lost, resumed, late) == [("kill", ms)]


def test_an_outage_that_never_ends_has_no_time() -> None:
    witness = heard(session()[:5])
    witness.lose("reset", 5.0)
    assert again_ms(heard(session()), witness) == []


def test_disconnects_are_counted_by_kind() -> None:
    witness = heard(session())
    for kind in ("reset", "kill", "reset"):
        witness.lose(kind, 1.0)
    assert resume.outages([[witness]]) == {"reset": 2, "outage": 0, "kill": 1, "restart": 0}


def test_all_ways_to_take_part_are_there() -> None:
    found = seats(2)
    assert [seat.role for seat in found] == [None, None, "speaker", "listener", "listener", "listener"]
    assert len({seat.targets for seat in found}) == 6


@pytest.mark.parametrize("kind", ["reset", "outage", "other"])
def test_a_client_notes_when_it_was_away_and_a_reset_is_one_on_the_wire(
    gateway: Callable[..., str], kind: str
) -> None:
    met: list[BaseException | None] = []

    def script(peer: Peer) -> None:
        if "resume" in peer.start:
            peer.open(resume_token="new", resume_window_s=60, resumed=True)
            peer.say("segment.done", segment=0, timings_ms={})
            peer.end()
            return
        peer.open(resume_token="old", resume_window_s=60)
        if kind == "other":
            peer.vanish()
            return
        with pytest.raises(ConnectionClosed) as closed:
            peer.connection.recv()
        met.append(closed.value.__cause__)

    async def run() -> Witness:
        async with Droppable(Witness(), None, gateway(script), "en", ["es"]) as client:
            if kind != "other":
                client.reset(0.3 if kind == "outage" else 0.0)
                assert not client.connected
            async for message in client:
                client.witness.take(message, time.monotonic())
            assert client.connected
            return client.witness

    before = time.monotonic()
    (outage,) = asyncio.run(run()).outages
    assert outage.kind == kind
    assert outage.resumed is not None
    assert before < outage.at < outage.resumed <= outage.heard
    assert (outage.at - before > 0.3) == (kind == "outage")
    assert [type(error) for error in met] == ([] if kind == "other" else [ConnectionResetError])
