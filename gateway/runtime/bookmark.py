"""Marks the places in a client's audio from which another gateway could go on: it need not keep more."""

from __future__ import annotations

from collections.abc import Callable

from bridge.types import SPEECH_RATE
from gateway.core.speaker import Speaker
from gateway.runtime.backend import Backend
from gateway.runtime.intake import Intake

MARKED = 4 * SPEECH_RATE
"""Samples between two places from which another gateway could go on: the client keeps so much more."""


class Bookmark:
    """Of one session. `safe` is told the sample before which audio is safe."""

    def __init__(self, backend: Backend, session: str, safe: Callable[[int], None]) -> None:
        self._backend = backend
        self._session = session
        self._safe = safe
        self._next: tuple[int, bytes] | None = None
        self._marked = 0

    def begin(self, at: int) -> None:
        """Audio before sample `at` was marked by another gateway."""
        self._marked = at

    def note(self, speaker: Speaker, intake: Intake) -> None:
        """More audio was judged."""
        if not self._backend.settings.resume_window_s:
            return
        if self._next is None and intake.judged >= self._marked + MARKED:
            self._next = (intake.judged, bytes([speaker.voiced]) + intake.memory())
        elif self._next is not None and speaker.first >= self._next[0]:
            self._marked, memory = self._next
            self._next = None
            self._backend.errands.run("mark audio", self._mark(self._marked, memory), session=self._session)

    async def _mark(self, at: int, memory: bytes) -> None:
        """Tells the client what it need not keep, once another gateway could do without it too."""
        await self._backend.records.mark(self._session, at, memory)
        self._safe(at)
