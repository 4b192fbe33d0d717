"""Listens for our own speech in microphones, beside the event loop, and only while some is played."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future

import structlog

from bridge.audio import Resampler
from gateway.core import effects, glimpse
from gateway.core.guard import Guard
from gateway.core.heard import UNSEEN, Heard

log = structlog.get_logger(__name__)


class Ward:
    """Of one session that speaks and listens. `beside` is the thread of all sessions; `closely` says whether
    it has to be known at once whose voice it is."""

    def __init__(self, beside: Executor, closely: Callable[[], bool]) -> None:
        self._beside = beside
        self._closely = closely
        self._guard = Guard(Resampler)
        self._pauses: set[str] = set()
        self._loop = asyncio.get_running_loop()

    def tell(self, effect: effects.Effect | glimpse.Show, rate: int) -> None:
        """What leaves for the client, whose speech has `rate` Hz."""
        now = time.monotonic()
        if isinstance(effect, effects.Play):
            self._guard.played(effect.pcm, rate, now, effect.lane)
        elif isinstance(effect, effects.Say) and isinstance(effect.what, effects.Obeyed):
            self._obey(effect.what, now)

    def listen(
        self, pcm: bytes, probabilities: tuple[float, ...], done: Callable[[tuple[Heard, ...]], None]
    ) -> None:
        """Takes the next windows, s16le 16 kHz; `done` is called with what is known of them by now.

        At once where there is nothing to look at, else on the loop. One at a time.
        """
        now = time.monotonic()
        self._guard.note(pcm, probabilities, now)
        if not self._guard.active(now):
            done(())
            return
        if not self._guard.due(now, closely=self._closely()):
            done((UNSEEN,) * len(probabilities))
            return

        def ready(future: Future[tuple[Heard, ...]]) -> None:
            self._loop.call_soon_threadsafe(done, _found(future))

        self._beside.submit(self._guard.look).add_done_callback(ready)

    def _obey(self, obeyed: effects.Obeyed, now: float) -> None:
        if obeyed.kind == "paused":
            self._pauses.add(obeyed.reason)
        elif obeyed.kind == "resumed":
            self._pauses.discard(obeyed.reason)
            if self._pauses:
                return
        self._guard.obey(obeyed.kind, now)


def _found(future: Future[tuple[Heard, ...]]) -> tuple[Heard, ...]:
    try:
        return () if future.cancelled() else future.result()
    except Exception:
        log.exception("echo not judged; what was heard counts as speech")
        return ()
