"""What a benchmark of rooms counts, and how one of its listeners hears."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from bridge.cli.bench.listener import Heard, Listener
from bridge.cli.bench.load import UTTERANCE_MS
from bridge.cli.bench.processes import resident_bytes
from bridge.cli.bench.rooms import Segment, losses, times
from bridge.protocol import wire

STARTED = '{"type": "session.started", "room": "' + "x" * 200 + '"}'


def listened(
    serve_one: Callable[[ServerConnection], Awaitable[None]], compression: str | None = "deflate"
) -> Listener:
    """A listener that a gateway has served so."""

    async def run() -> Listener:
        protocols = [Subprotocol(wire.SUBPROTOCOL)]
        async with serve(
            serve_one, "127.0.0.1", 0, subprotocols=protocols, compression=compression
        ) as server:
            port = server.sockets[0].getsockname()[1]
            listener = Listener(f"http://127.0.0.1:{port}", {"type": "session.start"}, "es")
            await asyncio.get_running_loop().create_connection(lambda: listener, "127.0.0.1", port)
            async with asyncio.timeout(5):
                if await listener.ready:
                    listener.leave()
                await listener.closed
            return listener

    return asyncio.run(run())


def test_a_listener_hears_each_segment_by_itself_and_is_closed_by_the_gateway() -> None:
    async def gateway(connection: ServerConnection) -> None:
        assert await connection.recv() == '{"type": "session.start"}'
        await connection.send(STARTED)
        assert await connection.recv() == '{"type":"session.end"}'
        for segment, size in ((7, 80_000), (9, 100)):
            for offset, pcm in ((0, bytes(size)), (size // 2, bytes(20))):
                await connection.send("{}")
                last = offset > 0
                await connection.send(
                    wire.pack_audio(seq=1, segment=segment, target=0, offset=offset, pcm=pcm, last=last)
                )
        await connection.close(1000)

    listener = listened(gateway, compression=None)  # as our gateway leaves audio
    assert listener.closed.result() == 1000
    assert {segment: each.samples for segment, each in listener.heard.items()} == {7: 40_010, 9: 60}
    assert all(each.whole and not each.doubled for each in listener.heard.values())


def test_a_listener_that_is_refused_says_why() -> None:
    async def gateway(connection: ServerConnection) -> None:
        await connection.send('{"type": "error", "code": "room_full", "message": "The room is full."}')
        await connection.close(1013)

    listener = listened(gateway)
    assert (listener.ready.result(), listener.closed.result()) == (False, 1013)
    assert listener.refusal == "room_full: The room is full."


def heard(*pieces: tuple[int, int, bool], at: float = 1.0) -> Heard:
    made = Heard()
    for offset, samples, last in pieces:
        made.take(offset, samples, last, at)
    return made


WHOLE = (0, 100, True)


@pytest.mark.parametrize(
    ("made", "whole", "doubled"),
    [
        (heard(WHOLE), True, False),
        (heard((0, 50, False), (50, 50, False), (100, 0, True)), True, False),
        (heard((0, 100, False)), False, False),
        (heard((0, 50, False), (60, 40, True)), False, False),
        (heard(WHOLE, WHOLE), True, True),
        (heard((0, 100, False), (50, 50, True)), True, True),
        (Heard(), False, False),
    ],
)
def test_what_is_not_whole_and_what_comes_twice_is_told_apart(
    made: Heard, whole: bool, doubled: bool
) -> None:
    assert (made.whole, made.doubled) == (whole, doubled)


def segment(number: int, *rows: tuple[str, Heard], text: str = "one") -> Segment:
    return Segment(text, 0.0, number * UTTERANCE_MS + 100, rows)


def test_losses_are_counted_for_each_listener_and_utterances_without_words_for_all() -> None:
    first = segment(0, ("es", heard(WHOLE)), ("de", Heard()))
    second = segment(1, ("es", heard(WHOLE, WHOLE)), ("de", heard(WHOLE)))
    noise = segment(1, ("es", Heard()), ("de", Heard()), text="")

    assert losses([first, second, noise], 3, 2) == {"segments": 2, "missing": 1 + 2, "doubled": 1}


def test_spread_is_from_the_first_who_hears_in_all_and_in_the_same_language() -> None:
    rows = [
        ("es", heard(WHOLE, at=0.5)),
        ("es", heard(WHOLE, at=0.52)),
        ("de", heard(WHOLE, at=0.6)),
        ("de", Heard()),
    ]

    assert times([segment(0, *rows)])["spread_ms"] == []
    assert times([segment(1, *rows)]) == {
        "first_audio_ms": [500, 520, 600],
        "spread_ms": [0, 20, 100],
        "spread_language_ms": [0, 20, 0],
    }


def test_memory_is_that_of_the_process() -> None:
    assert 10e6 < resident_bytes(os.getpid()) < 10e9
    assert resident_bytes(2**22 + 1) == 0


@pytest.mark.slow
@pytest.mark.e2e
def test_an_audience_costs_no_more_engine_calls_than_it_has_languages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bridge.cli", "bench", "rooms", "--listeners", "10", "--gateways", "2"]
    done = subprocess.run(
        [*command, "--utterances", "2"],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"DATA_DIR": str(tmp_path)},
    )
    told = dict(
        line.split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith("  gateways2_")
    )
    assert [told[f"gateways2_calls_{stage}_10"] for stage in ("stt", "translation", "tts")] == [
        "2",
        "16",
        "16",
    ]
    assert [told[f"gateways2_{name}_10"] for name in ("segments", "missing", "doubled")] == ["2", "0", "0"]
    assert told["gateways2_closes_10"] == "1000: 10"
