"""Speech that would come too late is given up, so that later speech need not wait for it; its words come.

A segment's speech is due when its budget is over, counted from the end of what was said.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from bridge.types import Decision
from gateway.core import inputs
from gateway.core.deadlines import Deadlines
from gateway.core.effects import Append, Effect
from gateway.core.ledger import Ledger
from gateway.core.segment import Segment

RUNNING = 1.0
"""Seconds until it is looked again whether speech has begun that a worker has taken in time."""


class Lateness:
    """Of one speaker; `budget` is in seconds, infinity where nothing is ever too late."""

    def __init__(self, session: str, ledger: Ledger, deadlines: Deadlines, budget: float) -> None:
        self._session = session
        self._ledger = ledger
        self._deadlines = deadlines
        self._budget = budget

    def due(self, said: float, live: bool) -> float:
        """When speech must begin that is the translation of what was said by `said`; a recording waits."""
        return said + self._budget if live else inf

    def overdue(self, segments: Iterable[Segment], now: float) -> list[Effect]:
        """Gives up all speech that should have begun by `now` and has not."""
        found: list[Effect] = []
        for segment in segments:
            if now >= segment.due:
                found += self._given_up(segment, now)
        return found

    def shed(self, segment: Segment, given: inputs.Shed) -> list[Effect]:
        """What was not sent, because it would come too late."""
        if given.targets is None:
            self._deadlines.forget(segment.number)
            decision = Decision(
                "gave_up",
                self._session,
                segment=segment.number,
                revision=segment.work.revision,
                stage="stt",
                code="too_late",
                message=given.reason,
            )
            return [Append(decision)]
        wanted = [target for target in given.targets if target in segment.targets.keys() - segment.mute]
        return [self._mute(segment, target, given.reason) for target in wanted]

    def _given_up(self, segment: Segment, now: float) -> list[Effect]:
        found: list[Effect] = []
        segment.due = inf
        for target in segment.targets.keys() - segment.mute:
            voice = self._ledger.voice(segment.number, target)
            if voice is None or voice.chosen is not None:
                continue
            if self._deadlines.taken((segment.number, "tts", target)):
                segment.due = now + RUNNING
            else:
                message = f"Its speech was not there {self._budget:g} s after it was said."
                found.append(self._mute(segment, target, message))
        return found

    def _mute(self, segment: Segment, target: str, message: str) -> Append:
        segment.mute.add(target)
        self._deadlines.drop((segment.number, "tts", target))
        decision = Decision(
            "gave_up",
            self._session,
            segment=segment.number,
            revision=segment.work.revision,
            stage="tts",
            target=target,
            code="too_late",
            message=message,
        )
        return Append(decision)
