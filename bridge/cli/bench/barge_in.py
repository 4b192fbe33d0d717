"""How soon the system falls silent: when the listener speaks against it, and when the client says so."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from bridge.cli.bench.crowd import Crowd
from bridge.cli.bench.report import Report
from bridge.cli.bench.simulated import ENGINES_MS, simulated, topology_text
from bridge.errors import BridgeError
from bridge.settings import Settings
from bridge.store.journal import BEGIN, Journal
from bridge.types import Decision, Entry, Event

SPOKEN_MS = 5_000
"""The translation lasts longer than it takes to speak against it."""
SILENT_SECONDS = 0.1
"""Without a frame of speech for so long it has gone silent: frames come every 20 ms."""
FIRST = 1
"""Interruptions that do not count: they open connections."""

Line = Mapping[str, Any]


def measure(report: Report, iterations: int, controls: int, sessions: int) -> None:
    """Adds the figures of so many interruptions and wishes, beside `sessions` others that speak."""
    topology = topology_text(max(2, sessions + 1))
    with ExitStack() as others:
        stack = others.enter_context(simulated(ENGINES_MS, topology, SIMULATED_TTS_AUDIO_MS=str(SPOKEN_MS)))
        if sessions:
            crowd = others.enter_context(Crowd(stack.url, sessions))
            crowd.speaking.wait()
        command = [sys.executable, "-P", "-m", "bridge.cli.bench.interrupter", stack.url]
        command += ["--times", str(iterations + FIRST), "--controls", str(controls)]
        settings = Settings.read(redis_url=stack.redis_url)
        lines, entries = asyncio.run(_follow(command, settings.redis_url))
        if sessions:
            crowd.finish()
            crowd.wait()
    report.add(samples(lines, entries))
    report.count({"worker_acknowledgements": sum(_obeyed(entry) is not None for entry in entries)})


async def _follow(command: Sequence[str], redis_url: str) -> tuple[list[Line], list[Entry]]:
    """What the client prints, and what stands in the journal of its session.

    Raises BridgeError where the client fails.
    """
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    lines: list[Line] = []
    entries: list[Entry] = []
    reading: asyncio.Task[None] | None = None
    errors = asyncio.create_task(process.stderr.read())
    async for line in process.stdout:
        lines.append(json.loads(line))
        if reading is None and lines[-1]["kind"] == "session":
            reading = asyncio.create_task(_read(redis_url, lines[-1]["session"], entries))
    if reading is not None:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
    if await process.wait():
        said = (await errors).decode().strip().splitlines() or ["it said nothing"]
        raise BridgeError(f"The client ended with code {process.returncode}: {said[-1]}.")
    return lines, entries


async def _read(redis_url: str, session: str, entries: list[Entry]) -> None:
    """Keeps what stands in the journal of a session, until it is cancelled."""
    journal = Journal(redis_url, f"bench-{session}")
    after = BEGIN
    try:
        while True:
            for _, entry, _ in await journal.read({session: after}):
                after = entry.id
                if isinstance(entry.item, Decision) or _obeyed(entry) is not None:
                    entries.append(entry)
    finally:
        await journal.close()


def _obeyed(entry: Entry) -> Event | None:
    item = entry.item
    return item if isinstance(item, Event) and item.kind == "obeyed" else None


def samples(lines: Sequence[Line], entries: Sequence[Entry]) -> dict[str, list[float]]:
    """The figures, in milliseconds.

    `barge_in_ms` and `stop_ms`: from the decision to the worker's acknowledgement; `paused_ms`: to that at
    the client; `last_sample_ms`: to the last frame of speech that the client gets, where any comes after it.
    `control_ms`: from the client's wish to its acknowledgement.
    """
    acknowledged = [line for line in lines if line["kind"] == "obeyed"]
    found: dict[str, list[float]] = {"barge_in_ms": [], "stop_ms": [], "paused_ms": [], "last_sample_ms": []}
    found["stop_ms"] = [ms for _, ms in _decided("stopped", entries)[FIRST:]]
    for decided, ms in _decided("paused", entries)[FIRST:]:
        found["barge_in_ms"].append(ms)
        paused = (line["at"] for line in acknowledged if _is(line, "playback.paused"))
        at = next((at for at in paused if at >= decided - _TICK), None)
        if at is not None:
            found["paused_ms"].append(_ms(at - decided))
            found["last_sample_ms"] += _last_sample(lines, decided)
    wished = [_ms(line["at"] - line["wished"]) for line in acknowledged if line["wished"] is not None]
    return found | {"control_ms": wished}


def _decided(kind: str, entries: Sequence[Entry]) -> list[tuple[float, float]]:
    """Of each decision of a kind that speech led to: when it was made, and the milliseconds until a worker
    acknowledged it."""
    numbers = {
        entry.item.number
        for entry in entries
        if isinstance(entry.item, Decision) and entry.item.kind == kind and entry.item.code
    }
    events = [(entry.at, event) for entry in entries if (event := _obeyed(entry)) is not None]
    return [(at - event.queued_ms / 1000, event.queued_ms) for at, event in events if event.index in numbers]


_TICK = 0.001
"""Seconds by which the time of an entry may be too early: it counts milliseconds."""


def _last_sample(lines: Sequence[Line], decided: float) -> list[float]:
    """For how long speech went on after a pause was decided, if it did."""
    last = decided
    for line in lines:
        if line["kind"] == "sound" and last < line["at"] <= last + SILENT_SECONDS:
            last = line["at"]
    return [_ms(last - decided)] if last > decided else []


def _is(line: Line, command: str) -> bool:
    return line["kind"] == "obeyed" and line["command"] == command and bool(line["reason"])


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1000, 2)
