"""A look as a person sees it in a terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from bridge.cli.status.look import ErrorCount, Gateway, Gpu, Look, Queue, RedisState, Spread, Timing, Worker
from bridge.cli.status.table import drawn, fitted
from bridge.cli.status.verdict import judged

NONE = Spread()
NAMES = ("first audio", "after the cut", "stt queue", "stt run", "tts queue", "tts run", "barge-in")
FULL = Look(
    "http://gw:8000",
    90.0,
    60.0,
    gateways=tuple(
        Gateway(
            f"192.168.100.{n}:18000",
            True,
            "0.1.0",
            {"speaker": 10, "listener": 40},
            53,
            4,
            1_234_567,
            0.0123,
            1,
        )
        for n in range(4)
    ),
    rooms=12,
    queues=tuple(Queue(f"{stage}.gpu0", 1, 4, 3, 12, 1.25) for stage in ("stt", "translation", "tts")),
    workers=tuple(
        Worker(
            f"translation-gpu0-{n}@node-{n}.example.org",
            "translation",
            "gpu0",
            "nllb-transformers",
            models=("facebook/nllb-200-distilled-600M",),
            busy=1,
            slots=4,
            ahead_ms=3.2,
            draining=n == 2,
            connected=n != 30,
        )
        for n in range(40)
    ),
    redis=RedisState(True, 81_000_000, 100_000_000, 123),
    timings=tuple(
        Timing(name, NONE, Spread(0.0042, 0.0097, 12), Spread(0.3874, 0.9512, 1234)) for name in NAMES
    ),
    segments={"heard": 30, "silent": 4, "failed": 1},
    drafts={"promoted": 28, "dropped": 6},
    left_out={"segment": 0, "speech": 2},
    errors=(ErrorCount("tts", "engine_failed", 1, 9), ErrorCount("", "bad_message", 0, 1)),
)
EMPTY = Look("http://gw:8000", 0.0, 0.0)


def lines(look: Look, *, width: int = 80, height: int | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    verdict = judged(look)
    console.print(drawn(look, verdict) if height is None else fitted(console, look, verdict))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def row(told: list[str], begins: str) -> str:
    """The one line that begins so, with one blank where there are several."""
    (found,) = (line for line in told if line.startswith(begins))
    return " ".join(found.split())


def test_the_first_line_is_the_verdict_and_the_next_what_mends_it() -> None:
    told = lines(replace(EMPTY, redis=RedisState(False)))

    assert told[0] == "✗ Redis does not answer: nothing is translated"
    assert told[1].startswith("  → Start it, or set REDIS_URL")
    assert lines(EMPTY)[0] == "✓ all is ready: nobody is here"


def test_a_second_finding_and_a_remark_have_their_own_lines() -> None:
    told = lines(replace(EMPTY, redis=RedisState(False, 99, 100), unread={"ear:1": "refused"}))

    assert told[0].endswith("(and 1 more)")
    assert "✗ Redis is full: 99% of its memory" in told
    assert "! no metrics of 1 worker: ear:1, refused" in told


def test_each_thing_has_its_row() -> None:
    told = lines(FULL)

    assert "sessions 200   rooms 12   redis up, 81.0 of 100 MB, 123 connections" in told
    assert row(told, "192.168.100.3") == "192.168.100.3:18000 50 10 40 53 4 1.2 MB 12 partials"
    assert row(told, "stt.gpu0") == "stt.gpu0 1 4 3 12 1.2 s"
    assert row(told, "first audio") == "first audio 4.2 9.7 12 387 951 1234"
    assert row(told, "segments") == "segments a minute heard 30, silent 4, failed 1"
    assert row(told, "left out") == "left out speech 2"
    assert row(told, "errors") == "errors tts engine_failed 1 (of 9), bad_message 0 (of 1)"


def test_a_worker_is_told_with_its_engine_its_models_and_its_state() -> None:
    told = lines(replace(FULL, workers=FULL.workers[2:3]), width=120)

    words = "translation gpu0 nllb-transformers 1/4 +3 ms draining facebook/nllb-200-distilled-600M"
    engine = Worker("ear", "stt", "cpu0", "pocketsphinx", 0, 0, 1, -0.4, False, True, Gpu(0.834))
    assert (
        row(lines(replace(EMPTY, workers=(engine,))), "ear") == "ear stt cpu0 83% pocketsphinx 0/1 +0 ms ok -"
    )
    assert row(told, "translation-") == f"translation-gpu0-2@no… {words}"


def test_counts_of_a_part_of_a_minute_are_told_as_of_a_whole_one() -> None:
    half, nothing = (lines(replace(EMPTY, drafts={"promoted": 28}, window_s=span)) for span in (30.0, 0.0))

    assert row(half, "drafts") == "drafts a minute promoted 56"
    assert row(nothing, "drafts") == "drafts a minute promoted 0"


@pytest.mark.parametrize("look", [FULL, EMPTY, replace(FULL, gateways=())])
def test_nothing_is_wider_than_eighty_columns_and_every_number_is_whole(look: Look) -> None:
    told = lines(look)

    assert max(map(len, told)) <= 80
    assert not [line for line in told if "…" in line and not line.startswith("translation-")]


def test_in_a_low_terminal_rows_go_and_what_is_wrong_stays() -> None:
    told = lines(replace(FULL, redis=RedisState(True, 99, 100)), height=30)

    assert told[0] == "✗ Redis is full: 99% of its memory"
    assert "… 37 more" in told
    assert any("gone" in line for line in told)
    assert next(n for n, line in enumerate(told) if line.startswith("errors")) < 29
    assert not [line for line in lines(FULL, height=100) if line.startswith("…")]


def test_what_nobody_told_is_a_dash() -> None:
    gateways = (Gateway("gw1", True), Gateway("gw2", False))
    told = lines(replace(EMPTY, gateways=gateways, queues=(Queue("tts.cpu0"),)))

    assert "sessions 0   rooms -   redis -" in told
    assert row(told, "gw1") == "gw1 0 0 0 - - - - -"
    assert row(told, "gw2") == "gw2 away"
    assert row(told, "tts.cpu0") == "tts.cpu0 - - - - -"


def test_names_with_brackets_are_shown_as_they_are() -> None:
    told = lines(replace(EMPTY, workers=(Worker("[red]ear[/]", "stt", "cpu0", "x"),)))

    assert row(told, "[red]").startswith("[red]ear[/] stt")
