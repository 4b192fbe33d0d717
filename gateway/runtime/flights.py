"""What the records of segments tell: counted for Prometheus, and kept in Redis for `speechbridge trace`."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from bridge.errors import RedisUnavailable
from bridge.metrics import gateway as series
from bridge.store.flights import Line, Tape
from bridge.types import Ear, Flight
from gateway.core.timings import Origin

log = structlog.get_logger(__name__)

WRITE_SECONDS = 0.25
"""Between two writes: one round trip for the lines of all sessions."""
WAITING = 2_000
"""Lines that wait for a Redis that is away; beyond, the oldest go."""
KNOWN = 1_024
"""Sounds whose first listener is remembered: of many in a room, one stands for all."""


class Flights:
    """One for each gateway. Without a `tape` nothing is kept."""

    def __init__(self, tape: Tape | None) -> None:
        self._tape = tape
        self._waiting: list[Line] = []
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._known: dict[tuple[str, int, str, str], None] = {}

    async def stop(self) -> None:
        """Writes what waits, and ends."""
        self._over.set()
        if self._task is not None:
            await self._task  # not in the midst of a write: what was sent would be lost, or written twice
        if self._tape is not None:
            await self._write(self._tape)
            await self._tape.close()

    def record(self, flight: Flight) -> None:
        """A segment is over."""
        series.SEGMENTS.labels(flight.outcome).inc()
        for stage in flight.again:
            series.AGAIN.labels(stage).inc()
        series.DRAFTS.labels("dropped").inc(flight.dropped)
        series.DRAFTS.labels("unsent").inc(flight.unsent)
        if flight.draft_ms:
            series.DRAFTS.labels("promoted").inc()
        if not flight.recorded:
            series.ENDPOINT.observe(flight.endpoint_ms / 1000)
        self._keep(flight)

    def left(self, origin: Origin, target: str, now: float) -> None:
        """The first sound of a segment in `target` left for a listener, `now` on the clock of Redis."""
        if not origin.recorded:
            series.FIRST_AUDIO.labels(target).observe(max(0.0, now - origin.said_at))
            series.LATENCY.labels(target).observe(max(0.0, now - origin.cut_at))
        self._ear("left", origin, target, now)

    def played(self, origin: Origin, target: str, at: float) -> None:
        """Its first sound was played `at`, as the listener's client says."""
        if not origin.recorded:
            series.EAR.observe(max(0.0, at - origin.said_at))
        self._ear("played", origin, target, at)

    def _ear(self, kind: str, origin: Origin, target: str, at: float) -> None:
        key = (origin.session, origin.segment, target, kind)
        if self._tape is None or key in self._known:
            return
        self._known[key] = None
        if len(self._known) > KNOWN:
            del self._known[next(iter(self._known))]
        ms = round((at - origin.said_at) * 1000, 1)
        self._keep(Ear(origin.session, origin.segment, target, "left" if kind == "left" else "played", ms))

    def _keep(self, line: Line) -> None:
        if self._tape is None:
            return
        self._waiting.append(line)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._later(self._tape), name="flights")

    async def _later(self, tape: Tape) -> None:
        while self._waiting and not self._over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._over.wait()
            await self._write(tape)

    async def _write(self, tape: Tape) -> None:
        lines, self._waiting = self._waiting, []
        try:
            if lines:
                await tape.append(lines)
        except RedisUnavailable as error:
            log.debug("records wait for redis", count=len(lines), error=error.message)
            self._waiting = (lines + self._waiting)[-WAITING:]
        except Exception:
            log.exception("records dropped", count=len(lines))
