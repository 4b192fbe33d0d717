"""Looks at speech that goes on: when the words so far are asked for, and what is done with them.

One look at a time, at all that was said by then; what could not be sent, or never comes back, is no loss.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.languages import same
from bridge.types import SPEECH_RATE, Event, Stage, Target, Work
from gateway.core.captions import Caption
from gateway.core.cuts import Part
from gateway.core.effects import Effect, Submit
from gateway.core.glimpse import Landed

LEFT = 2.0
"""Seconds after which a worker leaves a look alone: a newer one is worth more."""
GONE = 10.0
"""Seconds after which nothing more is expected of a look: its worker may be dead."""

SHARE = 4
"""Times longer than the last look took until the next one: the more looks an engine does, the likelier one of
them runs when speech ends, and what will be heard waits for the rest of it."""

Place = tuple[Stage, str | None]


class Partials:
    """Of one speaker. A look is due every `every` samples at most, never where that is 0."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._took = 0.0
        self._segment = -1
        self._end = 0
        self._sent = 0.0
        self._away: dict[Place, float] = {}
        self._translated: dict[str, str] = {}

    def due(self, part: Part, now: float) -> bool:
        """Whether enough was said since the last look, nothing of that one is on its way, and the end of the
        speech, where all engines are wanted, is not near: the last window is voiced."""
        if not self._every or part.speech_end < part.end or any(until > now for until in self._away.values()):
            return False
        return part.end - max(part.start, self._end) >= max(self._every, SHARE * self._took)

    def clause_near(self, part: Part, clause: int) -> bool:
        """Whether the end of a clause should be known soon, for a cut after `clause` samples: what is stable
        takes three looks."""
        cheap = self._took <= self._every / 2
        return bool(clause) and cheap and part.end - part.start >= clause - 3 * self._every

    def look(self, part: Part, pcm: bytes, work: Work, now: float) -> Submit:
        """Asks for the words of `pcm`, all that was said of the segment; `work` is common to the session."""
        if part.segment != self._segment:
            self._translated.clear()
        self._segment, self._end, self._sent = part.segment, part.end, now
        self._away = {("stt", None): now + GONE}
        its = work.but(segment=part.segment, partial=True, index=part.end - part.start)
        return Submit(its, "stt", (), True, LEFT, pcm, "partial")

    def heard(
        self, event: Event, caption: Caption | None, work: Work, targets: Sequence[Target], now: float
    ) -> list[Effect]:
        """A look came back: its words are translated for `targets`, unless they are the same as before.

        `caption` is what is shown now, None where it came too late.
        """
        landed = self.landed(event)
        if event.stage != "stt" or event.segment != self._segment:
            return landed
        self._took = (now - self._sent) * SPEECH_RATE
        if caption is None or not caption.text:
            return landed
        its = work.but(segment=event.segment, partial=True, index=event.index, text=caption.text)
        its = its.but(source=event.language)
        return [*landed, *(self._translate(its, target, now) for target in self._new(its, targets))]

    def landed(self, event: Event) -> list[Effect]:
        """A look came back, whatever it found."""
        self._away.pop((event.stage, event.target), None)
        return [Landed(event.stage, event.target)]

    def skipped(self, stage: Stage, target: str | None) -> None:
        """There was no room for it."""
        self._away.pop((stage, target), None)
        if target is not None:
            self._translated.pop(target, None)

    def _new(self, work: Work, targets: Sequence[Target]) -> list[Target]:
        """The targets whose translation would change. Who hears the floor reads the words themselves."""
        return [
            target
            for target in targets
            if self._translated.get(target.language) != work.text
            and not (work.floor and work.source is not None and same(target.language, work.source))
        ]

    def _translate(self, work: Work, target: Target, now: float) -> Submit:
        self._translated[target.language] = work.text
        self._away["translation", target.language] = now + GONE
        its = work.but(target=target.language)
        return Submit(its, "translation", (target,), True, LEFT, b"", "partial")
