"""`speechbridge trace`: what the time of a segment is made of, as numbers and as a tree."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.cli.trace.parts import ways
from bridge.cli.trace.waterfall import drawn
from bridge.store.flights import Line, Tape
from bridge.types import Ear, Flight, Leg
from tests.stack import RedisProcess

STT = Leg("stt", None, "stt-cpu0", 0, 0, 4.0, 105.0, 225.0, 225.0)
TRANSLATION = Leg("translation", "es", "translation-cpu0", 0, 0, 2.0, 228.0, 288.0, 288.0)
TTS = Leg("tts", "es", "tts-cpu0", 0, 0, 2.0, 291.0, 371.0, 380.0)
DRAFTED = Flight(
    "5e55", 3, 1_795_788_378.5, 2_000.0, 500.0, 100.0, "en", "heard", {"es": "heard"}, (STT, TRANSLATION, TTS)
)
LEFT, PLAYED = Ear("5e55", 3, "es", "left", 502.5), Ear("5e55", 3, "es", "played", 560.0)


def parts(flight: Flight, *ears: Ear) -> dict[str, float]:
    (way,) = ways(flight, ears)
    return {part.name: part.ms for part in way.parts}


def test_work_that_was_done_within_the_silence_waits_for_its_end() -> None:
    assert parts(DRAFTED, LEFT) == {
        "silence until the draft": 100.0,
        "handed on": 1.0,
        "queue of stt": 4.0,
        "stt": 120.0,
        "queue of translation": 2.0,
        "translation": 60.0,
        "queue of tts": 2.0,
        "tts": 80.0,
        "held until the cut": 129.0,
        "order and delivery": 2.5,
    }


def test_the_parts_are_as_long_together_as_the_wait() -> None:
    (way,) = ways(DRAFTED, [LEFT])
    later = [part.begins for part in way.parts]

    assert sum(part.ms for part in way.parts) == pytest.approx(way.total) == pytest.approx(502.5)
    assert later == sorted(later)


def test_without_a_draft_the_whole_silence_comes_first() -> None:
    assert next(iter(parts(replace(DRAFTED, draft_ms=0.0)).items())) == ("silence", 500.0)


def test_an_attempt_that_was_lost_is_named_with_its_worker() -> None:
    lost = replace(TTS, attempt=0, first_ms=None, last_ms=None, worker="tts-cpu1")
    second = replace(TTS, attempt=1, taken_ms=900.0, queue_ms=1.0, first_ms=980.0)
    (way,) = ways(replace(DRAFTED, legs=(STT, TRANSLATION, lost, second)), [])
    (part,) = [part for part in way.parts if part.name == "attempt 0 of tts"]

    assert (part.begins, part.ms, part.note) == (288.0, 611.0, "tts-cpu1: lost")
    assert way.total == pytest.approx(980.0)


def test_each_language_has_a_way_of_its_own() -> None:
    other = [replace(leg, target="ca") for leg in (TRANSLATION, TTS)]
    both = replace(DRAFTED, legs=(*DRAFTED.legs, *other), outcomes={"es": "heard", "ca": "failed"})

    assert [way.target for way in ways(both, [LEFT])] == ["ca", "es"]


def test_a_segment_that_nobody_got_is_told_as_far_as_it_came() -> None:
    (way,) = ways(replace(DRAFTED, legs=(STT,), outcomes={"es": "failed"}, outcome="failed"), [])

    assert [part.name for part in way.parts][-2:] == ["stt", "held until the cut"]


@pytest.mark.parametrize("width", [30, 80, 200])
def test_the_tree_fits_the_terminal(width: int) -> None:
    lines = list(
        drawn(
            replace(DRAFTED, legs=tuple(replace(leg, worker="") for leg in DRAFTED.legs)),
            ways(DRAFTED, [LEFT, PLAYED]),
            width,
        )
    )
    bars = [line for line in lines if "█" in line]

    assert lines[0].startswith("segment 3  en  heard")
    assert "  ├─ stt (120.0 ms)" in "\n".join(lines)
    assert lines[-1] == "Total: 502.5 ms, played after 560.0 ms"
    assert bool(bars) == (width > 60)
    assert all(line.index("█") <= line.rindex("█") < width for line in bars)


def on_tape(redis_server: RedisProcess, *lines: Line) -> None:
    async def run() -> None:
        tape = Tape(redis_server.url, 60, 100)
        await tape.append(lines)
        await tape.close()

    asyncio.run(run())


def trace(*arguments: str) -> str:
    found = CliRunner().invoke(app, ["trace", *arguments], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def segments(*arguments: str) -> list[int]:
    return [json.loads(line)["segment"] for line in trace(*arguments, "--json").splitlines()]


@pytest.mark.redis
def test_sessions_are_listed_latest_first_and_shown_by_the_beginning_of_their_name(
    redis_server: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    on_tape(redis_server, DRAFTED, LEFT, PLAYED)
    on_tape(redis_server, replace(DRAFTED, session="aaaa"), replace(DRAFTED, session="aaaa", segment=4))

    assert [line.split()[0] for line in trace().splitlines()] == ["aaaa", "5e55"]
    assert trace("5e").splitlines()[0].startswith("segment 3")
    assert [json.loads(line)["segment"] for line in trace("aaaa", "--json").splitlines()] == [3, 4]
    assert [
        json.loads(line)["segment"] for line in trace("aaaa", "--json", "--segment", "4").splitlines()
    ] == [4]
    assert trace("aaaa", "--segment", "9") == "No such segment is recorded.\n"
    record = json.loads(trace("5e55", "--json"))
    assert (record["heard"]["es"]["left_ms"], record["heard"]["es"]["played_ms"]) == (502.5, 560.0)


@pytest.mark.redis
def test_a_session_that_is_not_recorded_is_told_from_one_that_is_not_named_enough(
    redis_server: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    assert "No session is recorded" in trace()
    on_tape(redis_server, DRAFTED, replace(DRAFTED, session="5e56"))
    for name, said in (("5e", "2 sessions begin with 5e"), ("77", "No session 77 is recorded")):
        found = CliRunner().invoke(app, ["trace", name])
        assert said in str(found.exception)


def test_without_redis_and_without_a_stack_it_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    since = time.monotonic()
    found = CliRunner().invoke(app, ["trace"])

    assert f"no stack runs in {tmp_path}" in str(found.exception)
    assert time.monotonic() - since < 2
