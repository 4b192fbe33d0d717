"""What is lost, doubled or changed when connections break and gateways die, and how soon it goes on."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass

from bridge.cli.bench.faults import KINDS, Droppable, Faults
from bridge.cli.bench.load import utterance
from bridge.cli.bench.report import Report
from bridge.cli.bench.rooms import made
from bridge.cli.bench.simulated import ENGINES_MS, simulated, topology_text
from bridge.cli.bench.witness import Losses, Witness, again_ms, compared
from bridge.cli.probe import CLIP_LANGUAGE
from bridge.cli.stack import Stack
from bridge.client import Client
from bridge.errors import BridgeError, GatewayError
from bridge.protocol.client_messages import Role
from bridge.types import SAMPLE_BYTES, SPEECH_RATE

GATEWAYS = 2
UTTERANCES = 8
"""Of each session in a round: 34 s."""
FRAME_SECONDS = 0.04
FRAME_BYTES = int(SPEECH_RATE * FRAME_SECONDS) * SAMPLE_BYTES
LAST_SECONDS = 75.0
"""After the last word, for all of it to be heard: more than the resume window."""
LISTENERS = ("es", "fr", CLIP_LANGUAGE)
"""What is listened to in the room: two translations, and the speaker's own voice."""
SETTLED_SECONDS = 10.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Seat:
    """Who takes part: alone with two targets, or in the room."""

    role: Role | None
    source: str | None
    targets: tuple[str, ...]


def seats(alone: int) -> list[Seat]:
    """So many who are alone, and a room with a speaker and listeners."""
    pairs = (("es", "fr"), ("de", "it"))
    return [
        *(Seat(None, CLIP_LANGUAGE, pairs[number % len(pairs)]) for number in range(alone)),
        Seat("speaker", CLIP_LANGUAGE, ()),
        *(Seat("listener", None, (language,)) for language in LISTENERS),
    ]


def measure(report: Report, disconnects: int, sessions: int, seconds: float, seed: int) -> None:
    """Rounds with the same audio: one without faults, then others until there were so many disconnects."""
    until = time.monotonic() + seconds
    with simulated(
        ENGINES_MS,
        topology_text(4 * sessions + 2 * len(LISTENERS)),
        connections=sessions + 100,
        gateways=GATEWAYS,
        CACHE_ENABLED="false",  # the same clip is spoken again and again
    ) as stack:
        undisturbed = asyncio.run(_round(stack, sessions, None))
        if failures := [each.failure for each in undisturbed if each.failure]:
            raise BridgeError(f"Without any fault {len(failures)} sessions failed: {failures[0]}.")
        faults = Faults(stack, GATEWAYS, seed)
        rounds: list[list[Witness]] = []
        while sum(outages(rounds).values()) < disconnects and time.monotonic() < until:
            rounds.append(asyncio.run(_round(stack, sessions, faults)))
    report.add(samples(undisturbed, rounds))
    report.count({f"disconnects_{kind}": count for kind, count in outages(rounds).items()})
    report.count({"gateways_killed": faults.kills, "gateways_replaced": faults.restarts})
    report.count({"sessions": sum(map(len, rounds))} | asdict(losses(undisturbed, rounds)))
    report.count({"failures": dict(Counter(each.failure for row in rounds for each in row if each.failure))})


def outages(rounds: Sequence[Sequence[Witness]]) -> dict[str, int]:
    """Disconnects by kind of fault."""
    found = Counter(outage.kind for row in rounds for each in row for outage in each.outages)
    return dict.fromkeys(KINDS, 0) | found


def losses(undisturbed: Sequence[Witness], rounds: Sequence[Sequence[Witness]]) -> Losses:
    """What all sessions lost together."""
    pairs = ((usual, each) for row in rounds for usual, each in zip(undisturbed, row, strict=True))
    return sum((compared(*pair) for pair in pairs), Losses())


def samples(undisturbed: Sequence[Witness], rounds: Sequence[Sequence[Witness]]) -> dict[str, list[float]]:
    """`again_ms` of all disconnects, and by kind of fault."""
    found: dict[str, list[float]] = {"again_ms": []}
    for row in rounds:
        for usual, each in zip(undisturbed, row, strict=True):
            for kind, ms in again_ms(usual, each):
                found["again_ms"].append(ms)
                found.setdefault(f"again_{kind}_ms", []).append(ms)
    return found


class _Visit:
    """One session of a round."""

    def __init__(self, seat: Seat, client: Droppable) -> None:
        self.seat = seat
        self.client = client
        self.witness = client.witness
        self.over = asyncio.Event()

    async def run(self, began: float, pcm: bytes, faults: Faults | None, leave: asyncio.Event) -> None:
        """Speaks from `began` on, or listens until `leave`, and hears all of it."""
        self.witness.began = began
        work = _speak(self.client, began, pcm) if self.seat.source else _listen(self.client, leave)
        tasks = [asyncio.create_task(work)]
        if faults is not None:
            tasks.append(asyncio.create_task(faults.reset(self.client)))
        try:
            async with asyncio.timeout(len(pcm) / SAMPLE_BYTES / SPEECH_RATE + LAST_SECONDS):
                async for message in self.client:
                    self.witness.take(message, time.monotonic())
        except (BridgeError, TimeoutError) as error:
            self.witness.failure = error.code if isinstance(error, BridgeError) else "stalled"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.over.set()


async def _round(stack: Stack, alone: int, faults: Faults | None) -> list[Witness]:
    """All sessions once, from the first word to the last sound."""
    room = await asyncio.to_thread(made, stack.url)
    pcm = utterance() * UTTERANCES
    leave = asyncio.Event()
    async with AsyncExitStack() as there:
        visits = []
        for seat in seats(alone):
            named = {} if seat.role is None else _named(seat.role, room)
            client = Droppable(Witness(), faults, stack.url, seat.source, seat.targets, **named)
            visits.append(_Visit(seat, await there.enter_async_context(client)))
        begun = time.monotonic() + 0.5
        step = len(utterance()) / SAMPLE_BYTES / SPEECH_RATE / len(visits)
        running = [
            asyncio.create_task(visit.run(begun + number * step, pcm, faults, leave))
            for number, visit in enumerate(visits)
        ]
        replacing = asyncio.create_task(faults.replace()) if faults else None
        await _until_heard(visits, leave)
        await asyncio.gather(*running)
        if replacing is not None:
            replacing.cancel()
            _, error = await asyncio.gather(asyncio.sleep(0), replacing, return_exceptions=True)
            if isinstance(error, BridgeError):
                raise error
    return [visit.witness for visit in visits]


async def _until_heard(visits: Sequence[_Visit], leave: asyncio.Event) -> None:
    """Has the listeners leave when they have heard all that was said."""
    speaker = next(visit for visit in visits if visit.seat.role == "speaker")
    listeners = [visit.witness for visit in visits if visit.seat.role == "listener"]
    await speaker.over.wait()
    said = {number for number, part in speaker.witness.parts.items() if part.done}
    for _ in range(int(SETTLED_SECONDS / POLL_SECONDS)):
        if all(said <= {number for number, part in each.parts.items() if part.done} for each in listeners):
            break
        await asyncio.sleep(POLL_SECONDS)
    leave.set()


async def _speak(client: Client, began: float, pcm: bytes) -> None:
    """In real time, as a microphone would; what a lost connection held up follows at once."""
    for number, at in enumerate(range(0, len(pcm), FRAME_BYTES)):
        due = began + (number + 1) * FRAME_SECONDS
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await client.send_audio(pcm[at : at + FRAME_BYTES])
    await client.end()


async def _listen(client: Client, leave: asyncio.Event) -> None:
    await leave.wait()
    try:
        await client.end()
    except GatewayError:
        return


def _named(role: Role, room: dict[str, dict[str, str]]) -> dict[str, object]:
    secret = room["speak" if role == "speaker" else "listen"]["secret"]
    return {"room": room["room"], "role": role, "secret": secret}
