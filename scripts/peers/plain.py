"""A plain loop: silence ends a turn, then the three engines are called one after the other."""

from __future__ import annotations

import asyncio
import time
from array import array

from scripts.peers.talk import ANSWER_RATE, FRAME_SECONDS, Plan, Speaker, answer, parser, planned, talk

LOUD = 0.056
"""Of the loudest frame so far, 25 dB below it: louder is speech."""
LEAST = 300
"""Peaks below are never speech."""


class Loop:
    """One session."""

    def __init__(self, plan: Plan, speaker: Speaker) -> None:
        self._plan = plan
        self._speaker = speaker
        self._loudest = LEAST / LOUD
        self._silent = 0.0
        self._speaking = False

    async def run(self) -> None:
        """Listens and answers in turn; what is said meanwhile waits."""
        async for frame in self._speaker.frames():
            if self._ended(frame):
                for seconds in self._plan.engines:
                    await asyncio.sleep(seconds)
                self._speaker.hear(answer()[: ANSWER_RATE // 10], time.monotonic())

    def _ended(self, frame: bytes) -> bool:
        peak = max(map(abs, array("h", frame)))
        self._loudest = max(self._loudest, peak)
        if peak > self._loudest * LOUD:
            self._speaking, self._silent = True, 0.0
            return False
        self._silent += FRAME_SECONDS
        ended = self._speaking and self._silent >= self._plan.endpoint - 1e-9
        self._speaking &= not ended
        return ended


def main() -> None:
    """Prints JSON lines."""
    plan = planned(parser(__doc__ or "").parse_args())
    asyncio.run(talk(plan, lambda speaker: Loop(plan, speaker).run()))


if __name__ == "__main__":
    main()
