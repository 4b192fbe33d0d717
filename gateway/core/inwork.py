"""The segments of one speaker that are in work, and what each of them waits for."""

from __future__ import annotations

from math import inf

from bridge.types import SPEECH_RATE, Decision, Stage
from gateway.core.deadlines import Deadlines
from gateway.core.effects import Append, Effect, Forget, Free, Submit, Urgency
from gateway.core.memory import Memory
from gateway.core.segment import Segment
from gateway.core.terms import Patience


class InWork:
    """`open` by number, drafts among them."""

    def __init__(self, session: str, patience: Patience) -> None:
        self.session = session
        self.patience = patience
        self.deadlines = Deadlines(patience)
        self.memory = Memory(patience.recall)
        self.open: dict[int, Segment] = {}

    def begin(self, segment: Segment, now: float, urgency: Urgency = "final") -> Submit:
        """The effect sends a segment, for those of its targets that need an engine."""
        cut = segment.cut
        segment.work = segment.work.but(context=self.memory.before(segment.work, now))
        self.open[cut.segment] = segment
        self.deadlines.cut(now, cut.segment, (cut.end - cut.start) / SPEECH_RATE)
        by_engine = tuple(segment.targets.values())
        left = self.patience.total
        budget = segment.due - now
        return Submit(segment.work, "stt", by_engine, segment.live, left, cut.pcm, urgency, budget)

    def due(self, said: float, *, live: bool) -> float:
        """When the translation of what was said by `said` must begin to be heard; a recording waits."""
        return said + self.patience.lateness if live else inf

    def gave_up(
        self,
        number: int,
        stage: Stage,
        target: str | None,
        code: str,
        message: str,
        *,
        retryable: bool = False,
    ) -> Append:
        """A target of a segment (None: all of it) will not be heard, or not be spoken."""
        return Append(
            Decision(
                "gave_up",
                self.session,
                segment=number,
                stage=stage,
                target=target,
                code=code,
                message=message,
                retryable=retryable,
            )
        )

    def settle(self, number: int) -> list[Effect]:
        """Nothing more comes of a segment."""
        segment = self.open.pop(number)
        self.deadlines.forget(number)
        superseded = tuple(segment.superseded)
        return [Free(segment.keys), Forget(number, segment.work.revision, superseded)]
