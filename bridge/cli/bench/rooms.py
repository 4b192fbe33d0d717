"""What an audience costs: engine calls, the time between first and last to hear, memory; and nothing lost."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from bridge.cli.bench.listener import Heard
from bridge.cli.bench.load import UTTERANCE_MS
from bridge.cli.bench.processes import Meter, children, resident_bytes
from bridge.cli.bench.report import Report
from bridge.cli.bench.simulated import ENGINES_MS, simulated, topology_text
from bridge.cli.stack import Stack
from bridge.errors import BridgeError
from bridge.store.journal import BEGIN, Journal
from bridge.types import STAGES, Event

LANGUAGES = ("es", "ca", "fr", "de", "it", "pt", "ar", "he")
LEAST = 20
"""Listeners from which memory is shared out among them: below, it is that of the room."""


def measure(report: Report, gateways: Sequence[int], listeners: Sequence[int], utterances: int) -> None:
    """Adds the figures to `report`: `gateways2_spread_ms_100` is that of 100 listeners at two gateways."""
    for number in gateways:
        with simulated(
            ENGINES_MS,
            topology_text(2 * len(LANGUAGES)),
            connections=max(listeners) + 10,
            gateways=number,
            CACHE_ENABLED="false",  # the same clip is spoken again and again
            ROOM_MAX_LISTENERS=str(max(listeners)),
        ) as stack:
            for count in listeners:
                figures, counts = _round(stack, count, utterances)
                report.add({f"gateways{number}_{name}_{count}": value for name, value in figures.items()})
                report.count({f"gateways{number}_{name}_{count}": value for name, value in counts.items()})


def _round(
    stack: Stack, listeners: int, utterances: int
) -> tuple[dict[str, list[float]], dict[str, int | dict[str, int]]]:
    room = made(stack.url)
    before, memory = _gateway_bytes(), {}
    meter = Meter({})
    cores: dict[str, float] = {}
    segments: list[Segment] = []
    closed: dict[str, Any] = {}
    with Calls(stack.redis_url, room["room"]) as calls:
        for told in _audience(stack.url, room, listeners, utterances):
            if told["kind"] == "segment":
                segments.append(Segment.of(told))
            elif told["kind"] == "closed":
                closed = told
            elif told["kind"] == "speaking":
                memory["listener_kb"] = _gateway_bytes() - before
                meter = Meter(children(os.getpid()) | {os.getpid(): "benchmark"})
                meter.read()
            elif told["kind"] == "quiet":
                memory["listener_after_kb"] = _gateway_bytes() - before
                cores = meter.read()
            elif told["refused"]:
                raise BridgeError(
                    f"{told['refused']} of {listeners} listeners were refused: {told['refusal']}"
                )
    figures = times(segments) | {f"{role}_cores": [round(rate, 3)] for role, rate in cores.items()}
    if listeners >= LEAST:
        figures |= {name: [round(size / listeners / 1000, 1)] for name, size in memory.items()}
    counts = losses(segments, utterances, listeners) | {f"calls_{key}": calls.counts[key] for key in STAGES}
    return figures, counts | {"closes": closed.get("codes", {})}


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its words, when its speech ended in seconds of time.monotonic() and in ms of the audio,
    and what each listener heard, with its language."""

    text: str
    said_at: float
    end_ms: float
    heard: tuple[tuple[str, Heard], ...]

    @classmethod
    def of(cls, told: dict[str, Any]) -> Segment:
        heard = tuple((language, Heard(*numbers)) for language, *numbers in told["heard"])
        return cls(told["text"], told["said_at"], told["end_ms"], heard)


def times(segments: Sequence[Segment]) -> dict[str, list[float]]:
    """`first_audio_ms` of each listener from the end of speech; `spread_ms` from the first of all listeners
    that heard the segment, `spread_language_ms` from the first in the same language."""
    found: dict[str, list[float]] = {"first_audio_ms": [], "spread_ms": [], "spread_language_ms": []}
    for segment in segments:
        if segment.end_ms <= UTTERANCE_MS:
            continue  # the first utterance opens connections
        heard = [(language, each.first_at) for language, each in segment.heard if each.samples]
        firsts: dict[str, float] = {}
        for language, at in heard:
            firsts[language] = min(at, firsts.get(language, at))
        for language, at in heard:
            found["first_audio_ms"].append(round((at - segment.said_at) * 1000, 2))
            found["spread_ms"].append(round((at - min(firsts.values())) * 1000, 2))
            found["spread_language_ms"].append(round((at - firsts[language]) * 1000, 2))
    return found


def losses(segments: Sequence[Segment], utterances: int, listeners: int) -> dict[str, int]:
    """Segments with words, and of what each listener should have heard what is not whole or came twice."""
    worded = [segment for segment in segments if segment.text]
    silent = utterances - len({int(segment.end_ms // UTTERANCE_MS) for segment in worded})
    heard = [each for segment in worded for _, each in segment.heard]
    return {
        "segments": len(worded),
        "missing": sum(not each.whole for each in heard) + silent * listeners,
        "doubled": sum(each.doubled for each in heard),
    }


class Calls:
    """Counts the engine calls of a room while the block runs: what workers took, by stage."""

    def __init__(self, redis_url: str, room: str) -> None:
        self.counts: Counter[str] = Counter()
        self._room = room
        self._url = redis_url
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._count()), name="calls", daemon=True)

    def __enter__(self) -> Calls:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    async def _count(self) -> None:
        journal = Journal(self._url, "bench")
        after = BEGIN
        while not self._over.is_set():
            for _, entry, _ in await journal.read({self._room: after}):
                after = entry.id
                if isinstance(entry.item, Event) and entry.item.kind == "started":
                    self.counts[entry.item.stage] += 1
        await journal.close()


def made(url: str) -> dict[str, Any]:
    """A new room."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=5)
    connection.request("POST", "/v1/rooms", "{}")
    answer = connection.getresponse()
    made: dict[str, Any] = json.loads(answer.read())
    connection.close()
    if answer.status != 201:
        raise BridgeError(f"No room was made: {made.get('message')}", str(made.get("hint", "")))
    return made


def _gateway_bytes() -> int:
    return sum(resident_bytes(pid) for pid, role in children(os.getpid()).items() if role == "gateway")


def _audience(url: str, room: dict[str, Any], listeners: int, utterances: int) -> Iterator[dict[str, Any]]:
    """What the audience tells. Raises BridgeError where it fails."""
    command = [sys.executable, "-P", "-m", "bridge.cli.bench.audience", url, "--room", room["room"]]
    command += ["--speak", room["speak"]["secret"], "--listen", room["listen"]["secret"]]
    command += ["--languages", ",".join(LANGUAGES), "--listeners", str(listeners)]
    command += ["--utterances", str(utterances)]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                yield json.loads(line)
        except BaseException:
            process.kill()
            raise
        if process.wait():
            errors.seek(0)
            said = errors.read().strip().splitlines() or ["it said nothing"]
            raise BridgeError(f"The audience ended with code {process.returncode}: {said[-1]}.")
