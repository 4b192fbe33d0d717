"""A dispatcher on a real Redis, and what it tells the sessions."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import redis

from bridge import topology
from bridge.settings import Settings
from bridge.store.journal import Journal
from bridge.store.registry import Registry, Watch, WorkerRecord
from bridge.store.sessions import Sessions
from bridge.topology import Topology, WorkerEntry
from bridge.types import STAGES, Stage, Target, Work
from gateway.core.effects import Submit, Supersede
from gateway.core.inputs import Key, Sent
from gateway.runtime.dispatcher import Dispatcher
from gateway.runtime.errands import Errands
from gateway.runtime.fleet import Fleet
from gateway.runtime.lanes import Job, Told
from gateway.runtime.writer import Writer
from tests.stack import as_gateway

DEVICES = ("gpu0", "gpu1")
GPUS = Topology(
    tuple(
        WorkerEntry(f"{stage}-{device}", stage, device)
        for stage in ("stt", "translation", "tts")
        for device in DEVICES
    ),
    topology.load().path,
)
ES = (Target("es"),)


class Scene:
    """A dispatcher on a real Redis, and what it told the sessions."""

    def __init__(self, settings: Settings, budget: float = 0.0) -> None:
        self.url = settings.redis_url
        self.registry = Registry(self.url)
        self.client = redis.Redis.from_url(self.url)
        self.told: list[tuple[str, Told]] = []
        self.sessions = Sessions(self.url)
        self.journal = Journal(self.url, "test")
        self.watch = Watch(self.url)
        self.fleet = Fleet(self.watch, Errands(), 60.0, lambda worker, elsewhere: None, lambda: None)
        self.writer = Writer(self.journal)
        self.dispatcher = Dispatcher(self.fleet, self.sessions, self.writer, 60.0, budget)

    def register(
        self, *devices: str, slots: int = 1, stages: tuple[Stage, ...] = STAGES, **changes: Any
    ) -> None:
        for stage in stages:
            for device in devices:
                record = WorkerRecord(
                    f"{stage}-{device}",
                    stage,
                    device,
                    f"{stage}.{device}",
                    slots,
                    "p",
                    languages=("en",) if stage == "stt" else ("es", "ca"),
                    pairs=(("en", "es"), ("en", "ca")) if stage == "translation" else (),
                )
                self.registry.register(replace(record, **changes), 60_000)

    def submit(
        self,
        session: str,
        segment: int,
        *,
        stage: Stage = "stt",
        live: bool = True,
        attempt: int = 0,
        among: tuple[str, ...] = (),
        draft: bool = False,
        budget: float = 0.0,
        context: tuple[str, ...] = (),
    ) -> None:
        """`budget` is the time in which its speech must begin, 0 for any."""
        target, source = None if stage == "stt" else "es", None if among else "en"
        work = Work(session, segment, session, source=source, target=target, attempt=attempt, text="go")
        work = work.but(among=among, draft=draft, context=context)
        work = work.but(due=self.fleet.now() + budget if budget else 0.0)
        pcm = b"\1\0" * 100 if stage == "stt" else b""
        submit = Submit(work, stage, ES, live, 60.0, pcm, "draft" if draft else "final")
        superseded = Supersede(segment, 0, stage, target, attempt) if attempt else None
        self.dispatcher.submit(
            Job(session, submit, superseded, lambda what: self.told.append((session, what)))
        )

    @property
    def sent(self) -> list[tuple[str, int]]:
        return [(session, what.segment) for session, what in self.told if isinstance(what, Sent)]

    async def settled(self, told: int) -> None:
        """Waits until so many answers came, and a moment more for one too many."""
        end = time.monotonic() + 10
        while len(self.told) < told:
            assert time.monotonic() < end
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        assert len(self.told) == told

    async def submit_in_order(self, session: str, segments: int, *, live: bool = True) -> None:
        """The first alone: two that are sent at once by two threads may be sent in any order."""
        for segment in range(segments):
            self.submit(session, segment, live=live)
            if segment == 0:
                await self.settled(1)

    def work(self, queue: str, at: int = 0) -> dict[str, Any]:
        """What stands in a queue, counted from the one that came last."""
        raw: Any = self.client.lindex(queue, at)
        ((message, *_), *_) = json.loads(base64.b64decode(json.loads(raw)["body"]))
        assert isinstance(message, dict)
        return message

    def free(self, session: str, *segments: int) -> None:
        """These segments are done with, one after the other."""
        for segment in segments:
            keys: list[Key] = [(segment, "stt", None), (segment, "translation", "es"), (segment, "tts", "es")]
            self.dispatcher.free(session, keys)

    async def one_by_one(self, jobs: int) -> list[tuple[str, int]]:
        """Lets each segment be done while the next is at hand; the order in which `jobs` were sent."""
        for number in range(2, jobs + 1):
            await self.settled(number)
            if number < jobs:
                self.free(*self.sent[number - 2])
        return self.sent


def play(
    settings: Settings,
    scene: Callable[[Scene], Awaitable[None]],
    *devices: str,
    budget: float = 0.0,
    **workers: Any,
) -> None:
    """`budget` is what LATENESS_MS says, in seconds."""
    as_gateway(settings, GPUS)

    async def run() -> None:
        made = Scene(settings, budget)
        made.register(*(devices or DEVICES[:1]), **workers)
        await made.fleet.look()
        made.writer.start()
        try:
            await scene(made)
        finally:
            await made.dispatcher.stop()
            await made.writer.stop()
            for part in (made.sessions, made.journal, made.watch):
                await part.close()
            made.registry.close()
            made.client.close()

    asyncio.run(run())
