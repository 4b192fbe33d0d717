"""Speech that would come too late is given up, so that later speech need not wait for it; its words come.

A segment's speech is due when its budget is over, counted from the end of what was said.
"""

from __future__ import annotations

from math import inf

from gateway.core import inputs
from gateway.core.effects import Append, Effect
from gateway.core.inwork import InWork
from gateway.core.ledger import Ledger
from gateway.core.segment import Segment

RUNNING = 1.0
"""Seconds until it is looked again whether speech has begun that a worker has taken in time."""


class Lateness:
    """Of one speaker."""

    def __init__(self, ledger: Ledger, in_work: InWork) -> None:
        self._ledger = ledger
        self._in_work = in_work

    @property
    def next(self) -> float:
        """When speech will be too late that has not begun yet, infinity where none will."""
        return min((segment.due for segment in self._in_work.open.values()), default=inf)

    def overdue(self, now: float) -> list[Effect]:
        """Gives up all speech that should have begun by `now` and has not."""
        late = [segment for segment in self._in_work.open.values() if now >= segment.due]
        return [effect for segment in late for effect in self._given_up(segment, now)]

    def shed(self, given: inputs.Shed) -> list[Effect]:
        """A segment in work was not sent, or not all of it, because it would come too late."""
        segment = self._in_work.open[given.segment]
        if given.targets is None:
            self._in_work.deadlines.forget(segment.number)
            return [self._in_work.gave_up(segment.number, "stt", None, "too_late", given.reason)]
        wanted = [target for target in given.targets if target in segment.targets.keys() - segment.mute]
        return [self._mute(segment, target, given.reason) for target in wanted]

    def _given_up(self, segment: Segment, now: float) -> list[Effect]:
        found: list[Effect] = []
        segment.due = inf
        for target in sorted(segment.targets.keys() - segment.mute):
            voice = self._ledger.voice(segment.number, target)
            if voice is None or voice.begun:
                continue
            if self._in_work.deadlines.taken((segment.number, "tts", target)):
                segment.due = now + RUNNING
            else:
                budget = self._in_work.patience.lateness
                message = f"Its speech was not there {budget:g} s after it was said."
                found.append(self._mute(segment, target, message))
        return found

    def _mute(self, segment: Segment, target: str, message: str) -> Append:
        segment.mute.add(target)
        self._in_work.deadlines.drop((segment.number, "tts", target))
        return self._in_work.gave_up(segment.number, "tts", target, "too_late", message)
