"""What one session of a benchmark says and hears, and what is counted of many."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader
from websockets.typing import Subprotocol

from bridge.cli.bench import levels, recovery
from bridge.cli.bench.ear import Account, Ear, Tally, tally
from bridge.cli.bench.load import utterance
from bridge.cli.bench.microphone import FRAME_BYTES, Microphone, alone, packed
from bridge.cli.bench.recovery import Hit
from bridge.cli.bench.simulated import ENGINES_MS
from bridge.cli.bench.victims import Item

# What one session heard

RATE = 24_000


def follow(ear: Ear, segment: int, *, end_ms: float, at: float, samples: int = RATE) -> Account:
    """A segment as a faultless gateway gives it: one second of speech that arrives `at`."""
    final = {"text": "one", "start_ms": end_ms - 2000, "end_ms": end_ms}
    ear.take({"type": "transcript.final", "segment": segment, **final}, at)
    ear.take({"type": "audio.start", "segment": segment, "target": "es", "rate": RATE}, at)
    ear.hear(segment, 0, samples // 2, at)
    ear.hear(segment, samples // 2, samples - samples // 2, at + 0.1)
    ended = {"target": "es", "rate": RATE, "duration_ms": samples * 1000 / RATE}
    ear.take({"type": "audio.end", "segment": segment, **ended}, at + 0.1)
    done = {"type": "segment.done", "segment": segment, "timings_ms": {"queue": 1.0}}
    account = ear.take(done, at + 0.1)
    assert account is not None
    return account


def test_first_audio_counts_from_the_last_sample_of_speech() -> None:
    account = follow(Ear("s", began=100.0), 0, end_ms=2300.0, at=103.1)
    assert account.first_audio_ms == pytest.approx(800)
    assert account.whole
    assert account.heard_ms == 1000
    assert Account.of(json.loads(json.dumps(account.message()))) == account


def counted(*accounts: Account, spoken: int = 2) -> Tally:
    return tally(accounts, {"s": spoken}, 4000, 1000)


def test_a_faultless_session_counts_nothing_but_its_segments() -> None:
    ear = Ear("s", 0.0)
    accounts = [follow(ear, 0, end_ms=2300, at=3), follow(ear, 1, end_ms=6300, at=7)]
    assert counted(*accounts) == Tally(segments=2)


def test_an_utterance_of_which_nothing_came_is_missing() -> None:
    assert counted(follow(Ear("s", 0.0), 0, end_ms=2300, at=3)) == Tally(segments=2, missing=1)


def test_speech_of_which_a_piece_never_came_is_missing() -> None:
    ear = Ear("s", 0.0)
    account = follow(ear, 0, end_ms=2300, at=3, samples=RATE // 2)
    ear.take({"type": "audio.end", "segment": 0, "target": "es", "rate": RATE, "duration_ms": 1000.0}, 4.0)
    assert account.skipped == RATE // 2
    assert counted(account, spoken=1).missing == 1


def test_a_hole_between_two_pieces_is_missing_even_if_the_end_comes() -> None:
    ear = Ear("s", 0.0)
    account = follow(ear, 0, end_ms=2300, at=3)
    ear.hear(0, RATE + 480, 480, 3.2)
    assert counted(account, spoken=1).missing == 1


def test_a_segment_that_was_announced_as_failed_is_missing_and_failed() -> None:
    ear = Ear("s", 0.0)
    ear.take({"type": "transcript.final", "segment": 0, "text": "one", "start_ms": 1, "end_ms": 2300}, 3.0)
    ear.take({"type": "segment.failed", "segment": 0, "code": "too_late"}, 3.0)
    counts = counted(*ear.accounts.values(), spoken=1)
    assert counts == Tally(segments=1, missing=1, failed=1)


def test_speech_that_comes_twice_is_doubled() -> None:
    ear = Ear("s", 0.0)
    account = follow(ear, 0, end_ms=2300, at=3)
    ear.hear(0, 0, RATE, 3.5)
    assert counted(account, spoken=1) == Tally(segments=1, doubled=1)


def test_an_utterance_that_two_segments_speak_is_doubled() -> None:
    ear = Ear("s", 0.0)
    accounts = [follow(ear, 0, end_ms=2300, at=3), follow(ear, 1, end_ms=2310, at=4)]
    assert counted(*accounts, spoken=1).doubled == 1


def test_an_utterance_cut_in_two_is_not_doubled() -> None:
    ear = Ear("s", 0.0)
    accounts = [follow(ear, 0, end_ms=2000, at=3), follow(ear, 1, end_ms=4000 - 1, at=4)]
    assert counted(*(replace(each, start_ms=each.end_ms - 900) for each in accounts), spoken=1).doubled == 0


def test_a_sentence_begun_again_is_not_doubled() -> None:
    ear = Ear("s", 0.0)
    account = follow(ear, 0, end_ms=2300, at=3, samples=RATE + RATE // 3)
    assert counted(account, spoken=1) == Tally(segments=1, begun_again=1)


def test_a_segment_heard_after_a_later_one_is_out_of_order() -> None:
    ear = Ear("s", 0.0)
    accounts = [follow(ear, 1, end_ms=6300, at=7), follow(ear, 0, end_ms=2300, at=8)]
    assert counted(*accounts) == Tally(segments=2, out_of_order=1)


# What many sessions cost


def test_overhead_is_first_audio_less_endpoint_and_engines() -> None:
    account = follow(Ear("s", 0.0), 0, end_ms=2300, at=3.1)
    account.timings_ms = {"endpoint": 500, "queue": 9, "stt": 121, "translation": 61, "tts": 81}
    account.client_late_ms = 1.5
    assert levels.samples([account], ENGINES_MS)["overhead_ms"] == [40.0]
    assert levels.samples([account], None)["overhead_ms"] == [37.0]
    assert levels.samples([account], None)["client_late_ms"] == [1.5]
    assert levels.samples([replace(account, first_audio_at=None)], ENGINES_MS) == {}


# What a kill costs


def test_recovery_is_how_much_later_than_usual_a_segment_that_was_hit_is_heard() -> None:
    ear = Ear("s", 0.0)
    for segment in range(4):
        follow(ear, segment, end_ms=2300 + 4000 * segment, at=3.1 + 4 * segment)  # 800 ms
    follow(ear, 4, end_ms=18_300, at=21.3)  # 3 000 ms
    follow(ear, 5, end_ms=22_300, at=23.2)  # 900 ms
    hits = [Hit("tts", 19.0, (Item("s", 4, "tts"),))]
    found = recovery.samples(list(ear.accounts.values()), hits)
    assert found["recovery_ms"] == found["recovery_tts_ms"] == [2200.0]
    assert found["undisturbed_first_audio_ms"] == [800.0] * 3
    assert found["others_first_audio_ms"] == [900.0]


def test_a_segment_that_was_heard_before_the_kill_has_no_late_first_audio() -> None:
    ear = Ear("s", 0.0)
    account = follow(ear, 1, end_ms=6300, at=7.1)
    found = recovery.samples([account], [Hit("tts", 7.15, (Item("s", 1, "tts"),))])
    assert "recovery_ms" not in found


def test_work_that_is_done_is_not_hit_though_its_worker_still_stands_there_with_it() -> None:
    account = follow(Ear("s", 0.0), 1, end_ms=6300, at=7.1)
    old, new = Item("s", 1, "tts"), Item("s", 2, "tts")
    assert recovery.unheard([old, new], [account]) == (new,)


# The microphone on the wire


def test_a_frame_on_the_wire_holds_20_ms_masked_as_clients_must() -> None:
    pcm = bytes(range(256)) * 10
    frames = packed(pcm)
    assert len(frames) == len(pcm) // FRAME_BYTES == 4
    assert unpacked(frames[1]) == pcm[FRAME_BYTES : 2 * FRAME_BYTES]
    assert len(utterance()) % FRAME_BYTES == 0


def unpacked(data: bytes) -> bytes:
    reader = StreamReader()
    reader.feed_data(data)
    parsing = Frame.parse(reader.read_exact, mask=True)
    try:
        while True:
            next(parsing)
    except StopIteration as end:
        assert end.value.opcode is Opcode.BINARY
        return bytes(end.value.data)


async def spoken_to(
    server: Callable[[ServerConnection], Awaitable[None]], turns: int, total: int | None
) -> Microphone:
    """A microphone that took `turns` of 20 ms, without waiting, in front of a server."""
    subprotocols = [Subprotocol("bridge.v1")]
    async with serve(server, "127.0.0.1", 0, subprotocols=subprotocols, close_timeout=0.1) as serving:
        port = serving.sockets[0].getsockname()[1]
        frames = packed(bytes(FRAME_BYTES * 5))
        url = f"http://127.0.0.1:{port}"
        microphone = Microphone(url, alone("en", "es"), frames, total, on_done=lambda account: None)
        await asyncio.get_running_loop().create_connection(lambda: microphone, "127.0.0.1", port)
        await microphone.ready
        microphone.begin(0.0)
        for turn in range(turns):
            microphone.turn(turn * 0.02)
        await asyncio.wait_for(asyncio.shield(microphone.closed), 10)
    return microphone


async def _start(connection: ServerConnection) -> None:
    assert json.loads(await connection.recv())["type"] == "session.start"
    await connection.send(json.dumps({"type": "session.started", "session_id": "s"}))


def test_a_microphone_says_what_it_should_and_then_that_it_ends() -> None:
    got: list[str | bytes] = []

    async def server(connection: ServerConnection) -> None:
        await _start(connection)
        got.extend([await connection.recv() for _ in range(8)])

    microphone = asyncio.run(spoken_to(server, turns=9, total=7))
    assert [len(frame) for frame in got[:7]] == [FRAME_BYTES] * 7
    assert json.loads(got[7]) == {"type": "session.end"}
    assert (microphone.sent, microphone.ended) == (7, True)
    assert microphone.closed.result() == 1000


def test_a_session_that_is_dropped_keeps_the_close_code() -> None:
    async def server(connection: ServerConnection) -> None:
        await _start(connection)
        await connection.close(1013)

    assert asyncio.run(spoken_to(server, turns=3, total=None)).closed.result() == 1013


def test_a_session_is_given_up_when_half_a_minute_of_its_speech_is_not_taken() -> None:
    async def server(connection: ServerConnection) -> None:
        await _start(connection)
        await connection.wait_closed()

    assert asyncio.run(spoken_to(server, turns=20_000, total=None)).closed.result() == 1006
