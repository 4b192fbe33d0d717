"""Listeners who come in the middle of a sentence, or just after it, in a language that nobody asked for."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.types import Decision, Target
from gateway.core.effects import Append, Effect, Submit
from gateway.core.inwork import InWork
from gateway.core.segment import Segment


class Latecomers:
    """Of one speaker. `last` is the segment whose transcript came last."""

    def __init__(self, in_work: InWork) -> None:
        self.last: Segment | None = None
        self._in_work = in_work

    def also(self, targets: Sequence[Target], now: float, draft: Segment | None) -> list[Effect]:
        """What is being said, or was said last, is heard in `targets` too; of a draft the cut will tell."""
        segments = self._in_work.open
        if (last := self.last) is not None and now < last.until:
            segments.setdefault(last.cut.segment, last)
        return [
            effect
            for segment in list(segments.values())
            if segment is not draft
            for effect in self._add(segment, targets, now)
        ]

    def _add(self, segment: Segment, targets: Sequence[Target], now: float) -> list[Effect]:
        number = segment.number
        new = [target for target in targets if target.language not in segment.heard]
        if not new:
            return self._in_work.settle(number) if not segment.targets and segment.transcript else []
        self._in_work.deadlines.again(now, number)
        segment.also(new)
        decision = Decision(
            "also", self._in_work.session, segment=number, targets=tuple(new), attempt=segment.attempts
        )
        if segment.transcript is None:
            return [Append(decision)]
        sent = self.send(segment, now)
        return [Append(decision), *sent, *([] if segment.targets else self._in_work.settle(number))]

    def send(self, segment: Segment, now: float) -> list[Effect]:
        """Sends the targets that the transcript was not sent on to."""
        effects: list[Effect] = []
        deadlines = self._in_work.deadlines
        for name in sorted(segment.late & segment.targets.keys()):
            deadlines.wanted((segment.number, "translation", name), segment.attempts)
            work = segment.rest("translation", name, segment.attempts)
            left = deadlines.left(now, segment.number)
            effects.append(Submit(work, "translation", (segment.targets[name],), segment.live, left))
        segment.late.clear()
        return effects
