"""What the benchmark of barge-in makes of what its client heard and of what stands in the journal."""

from __future__ import annotations

from typing import Any

from bridge.cli.bench.barge_in import FIRST, samples
from bridge.types import Decision, Entry, Event


def decided(number: int, kind: Any, at: float, code: str = "barge_in") -> Entry:
    return Entry(f"{round(at * 1000)}-0", Decision(kind, "s", number, code=code))


def obeyed(number: int, at: float, ms: float) -> Entry:
    return Entry(f"{round(at * 1000)}-1", Event("obeyed", "tts", "s", 0, index=number, queued_ms=ms))


def line(
    command: str, at: float, reason: str | None = "barge_in", wished: float | None = None
) -> dict[str, Any]:
    told = {"kind": "obeyed", "at": at, "command": f"playback.{command}", "reason": reason, "wished": wished}
    return told


def sound(at: float) -> dict[str, Any]:
    return {"kind": "sound", "at": at, "segment": 0}


def interruption(number: int, at: float) -> list[Entry]:
    """A pause that was decided at `at` and a stop 0.2 s later, acknowledged after 3 and 5 ms."""
    return [
        decided(number, "paused", at + 0.001),
        obeyed(number, at + 0.003, 3.0),
        decided(number + 1, "stopped", at + 0.201),
        obeyed(number + 1, at + 0.205, 5.0),
        decided(number + 2, "resumed", at + 1),
        obeyed(number + 2, at + 1.009, 9.0),
    ]


def test_each_time_is_from_the_decision_and_the_first_interruption_is_none() -> None:
    entries = interruption(0, 100.0) + interruption(3, 110.0)
    lines = [
        *(line("paused", 100.02), sound(100.5), line("stopped", 100.21), line("resumed", 101.0)),
        *(sound(109.99), sound(110.002), line("paused", 110.004), sound(110.007), sound(110.9)),
        *(line("resumed", 111.002), sound(111.1)),
    ]

    found = samples(lines, entries)

    assert FIRST == 1
    assert found["barge_in_ms"] == [3.0]
    assert found["stop_ms"] == [5.0]
    assert found["paused_ms"] == [4.0]
    assert found["last_sample_ms"] == [7.0]
    assert found["control_ms"] == []


def test_the_clients_own_wishes_are_measured_by_its_own_clock_and_are_no_barge_in() -> None:
    entries = [decided(0, "paused", 100.001, code=""), obeyed(0, 100.004, 4.0)]
    lines = [line("paused", 100.0065, None, wished=100.0), line("resumed", 100.1, None, wished=100.098)]

    found = samples(lines, entries)

    assert found["control_ms"] == [6.5, 2.0]
    assert found["barge_in_ms"] == found["paused_ms"] == found["last_sample_ms"] == []
