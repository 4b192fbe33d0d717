"""Counts what becomes of sessions and of what is said in them: told of what is done, it decides nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Literal

from bridge.metrics import gateway as series
from bridge.types import Decision, Entry, Event
from gateway.core import effects
from gateway.core.seat import Seat
from gateway.runtime.snr import snr_db

LATER = 1.0
"""Seconds after a cut in which nothing is measured of it: by then its first sound has left."""

Reason = Literal["done", "refused", "lost", "moved"]
"""Why a session ended here, as in bridge_sessions_ended_total."""


class Census:
    """Of one gateway: the sessions that it holds. Times are seconds of time.monotonic()."""

    def __init__(self) -> None:
        self._here: dict[str, float | None] = {}

    def came(self, seat: Seat) -> None:
        """A session is held here from now on."""
        self._here[seat.session] = None
        series.SESSIONS.labels(seat.role).inc()

    def began(self, seat: Seat) -> None:
        """It is new."""
        self._here[seat.session] = time.monotonic()
        series.STARTED.labels(seat.role).inc()

    def ended(self, session: str, reason: Reason) -> None:
        """A session is over, or is somewhere else now; counted once. What it still says may be heard yet."""
        if session not in self._here:
            return
        since = self._here.pop(session)
        series.ENDED.labels(reason).inc()
        if since is not None and reason != "moved":
            series.SESSION.observe(time.monotonic() - since)

    def left(self, seat: Seat) -> None:
        """It is not held here any more."""
        self._here.pop(seat.session, None)
        series.SESSIONS.labels(seat.role).dec()

    def told(self, entry: Entry) -> None:
        """The journal of a room that somebody takes part in here."""
        item = entry.item
        if isinstance(item, Event) and item.kind == "obeyed" and item.session in self._here:
            series.BARGE_IN.observe(max(0.0, item.queued_ms / 1000))


class Tally:
    """Of one session: what is decided about its speech, and where `measured`, how clear that is."""

    def __init__(self, *, measured: bool) -> None:
        self._measured = measured
        self._decided = -1
        self._draft: effects.Submit | None = None

    def see(self, effect: effects.Effect) -> None:
        """The core wants this done."""
        match effect:
            case effects.Append(decision) if decision.number > self._decided:  # else it is written again
                self._decided = decision.number
                self._count(decision)
            case effects.Submit(urgency="draft"):
                self._draft = effect
            case effects.Submit(stage="stt", urgency="final", work=work, pcm=pcm) if not work.attempt:
                self._measure(pcm)

    def _count(self, decision: Decision) -> None:
        match decision:
            case Decision("gave_up", code="echo"):
                series.ECHO.inc()
            case Decision("gave_up", code="too_late"):
                series.SHED.labels("segment" if decision.target is None else "speech").inc()
            case Decision("cut"):
                draft, self._draft = self._draft, None
                if draft is not None and _same(draft, decision):
                    self._measure(draft.pcm)

    def _measure(self, pcm: bytes) -> None:
        if self._measured and pcm:
            asyncio.get_running_loop().call_later(LATER, _observe, pcm)


def _same(draft: effects.Submit, cut: Decision) -> bool:
    return (draft.work.segment, draft.work.revision) == (cut.segment, cut.revision)


def _observe(pcm: bytes) -> None:
    if (found := snr_db(pcm)) is not None:
        series.SNR.observe(found)


def dispatched(submit: effects.Submit, now: float) -> None:
    """Work was handed to Redis `now`, in seconds of its clock; nobody waits for a recording."""
    if submit.live and submit.stage == "stt" and not submit.work.attempt:
        series.DISPATCH.observe(max(0.0, now - submit.work.sent))
