"""How much speech waits to be heard in each language, and how much faster what comes next is spoken.

Speech leaves for its listeners as soon as it is made, and is heard at its own pace: what was released in a
language, against the time that has passed, is what waits. A translation that is longer than what was said
would fall behind for ever, were it not spoken faster.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Self

from bridge.settings import Settings
from bridge.types import SAMPLE_BYTES, SPEECH_RATE, Event
from gateway.core.effects import Submit

AHEAD = 2 * SPEECH_RATE
"""Samples ahead of time from which audio is that of a recording, whose speech nobody is behind with."""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Speech is `most` times faster where twice `above` seconds wait, and no faster where `above` do."""

    above: float = inf
    most: float = 1.0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the environment asks for."""
        return cls(settings.catch_up_ms / 1000, settings.speech_rate_most)

    def speed(self, waiting: float) -> float:
        """How many times faster than a voice's own pace, with so many seconds of speech waiting."""
        part = min(1.0, max(0.0, waiting / self.above - 1)) if self.above < inf else 0.0
        return round(1 + (self.most - 1) * part, 2)


NEVER = CatchUp()


class Backlog:
    """Of one speaker's lanes. `at` is a time of the journal, `now` the runner's clock, both in seconds."""

    def __init__(self, catch_up: CatchUp) -> None:
        self._catch_up = catch_up
        self._until: dict[str, float] = {}
        self._ahead = inf
        self._arrived: tuple[int, float] | None = None
        self._recorded = False

    def arrived(self, samples: int, now: float) -> None:
        """So many samples of the speaker's audio are here."""
        if self._arrived is None:
            self._arrived = samples, now
        first, began = self._arrived
        self._recorded |= samples - first - (now - began) * SPEECH_RATE > AHEAD

    def heard(self, piece: Event, at: float, now: float) -> None:
        """A piece of speech was released to those who listen."""
        self._ahead = at - now
        target = piece.target or ""
        seconds = len(piece.pcm) / (SAMPLE_BYTES * piece.rate) if piece.rate else 0.0
        self._until[target] = max(at, self._until.get(target, at)) + seconds

    def told(self, waiting: float, now: float) -> None:
        """The only one who listens says that so many seconds wait."""
        if self._ahead < inf:
            self._until = dict.fromkeys(self._until, now + self._ahead + waiting)

    def waiting(self, target: str, now: float) -> float:
        """Seconds of speech that wait to be heard in a language."""
        return max(0.0, self._until[target] - now - self._ahead) if target in self._until else 0.0

    def paced(self, submit: Submit, now: float) -> Submit:
        """Work whose speech will be as fast as its listeners are behind."""
        if self._recorded or not submit.live:
            return submit
        speed = {to.language: self._catch_up.speed(self.waiting(to.language, now)) for to in submit.targets}
        if all(factor == 1 for factor in speed.values()):
            return submit
        targets = tuple(replace(to, speed=speed[to.language]) for to in submit.targets)
        work = submit.work.but(speed=speed.get(submit.work.target or "", 1.0))
        return replace(submit, work=work, targets=targets)
