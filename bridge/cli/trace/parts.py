"""What the time from the end of speech to its first sound is made of, from the record of a segment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bridge.types import STAGES, Ear, Flight, Leg, Stage

LEAST = 0.05
"""Milliseconds: what is shorter is not worth a line."""


@dataclass(frozen=True, slots=True)
class Part:
    """Milliseconds after the end of speech, and how many; `note` says who, where that matters."""

    name: str
    begins: float
    ms: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """How a segment came to those who listen in `target`. Its first sound left after `left` ms and was played
    after `played`, None where nobody told."""

    target: str
    parts: tuple[Part, ...]
    left: float | None
    played: float | None

    @property
    def total(self) -> float:
        """Milliseconds until the first sound left, as far as is known."""
        return self.left if self.left is not None else sum(part.ms for part in self.parts)


def ways(flight: Flight, ears: Iterable[Ear]) -> list[Way]:
    """One for each language in which it was heard."""
    told = {(ear.target, ear.kind): ear.ms for ear in ears if ear.segment == flight.segment}
    targets = sorted({leg.target for leg in flight.legs if leg.target} | flight.outcomes.keys())
    return [_way(flight, to, told.get((to, "left")), told.get((to, "played"))) for to in targets]


def _way(flight: Flight, target: str, left: float | None, played: float | None) -> Way:
    begun = flight.draft_ms or flight.endpoint_ms
    parts = [Part("silence until the draft" if flight.draft_ms else "silence", 0.0, begun)]
    at = begun
    for stage in STAGES:
        if (leg := _leg(flight, stage, target)) is None or leg.first_ms is None:
            break
        parts += _stage(flight, leg, at, leg.first_ms)
        at = leg.first_ms
    if at < flight.endpoint_ms:
        parts.append(Part("held until the cut", at, flight.endpoint_ms - at))
        at = flight.endpoint_ms
    if left is not None:
        parts.append(Part("order and delivery", at, left - at))
    rounded = (replace(part, begins=round(part.begins, 2), ms=round(part.ms, 2)) for part in parts)
    return Way(target, tuple(part for part in rounded if part.ms >= LEAST), left, played)


def _stage(flight: Flight, leg: Leg, at: float, first: float) -> list[Part]:
    """From `at` on: until it was sent, its wait in the queue, its work until its first result."""
    sent = leg.taken_ms - leg.queue_ms
    lost = [other for other in flight.legs if _same(other, leg) and other.attempt < leg.attempt]
    before = f"attempt {lost[-1].attempt} of {leg.stage}" if lost else "handed on"
    note = f"{lost[-1].worker}: {lost[-1].code or 'lost'}" if lost else ""
    return [
        Part(before, at, sent - at, note),
        Part(f"queue of {leg.stage}", sent, leg.queue_ms),
        Part(leg.stage, leg.taken_ms, first - leg.taken_ms, _who(leg)),
    ]


def _same(one: Leg, other: Leg) -> bool:
    return (one.stage, one.target) == (other.stage, other.target)


def _who(leg: Leg) -> str:
    """The worker, and whose engine it used where that is known."""
    return f"{leg.worker}, {leg.provider}" if leg.provider else leg.worker


def _leg(flight: Flight, stage: Stage, target: str) -> Leg | None:
    """The first that delivered."""
    to = None if stage == "stt" else target
    found = [
        leg for leg in flight.legs if leg.stage == stage and leg.target == to and leg.first_ms is not None
    ]
    return min(found, key=lambda leg: leg.first_ms or 0.0, default=None)
