"""The flight recorder: from what the journal tells of a speaker's segments, one record for each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bridge.types import SPEECH_RATE, Decision, Event, Flight, Leg, Outcome, Stage
from gateway.core import facts
from gateway.core.timings import decided_at

KEPT = 64
"""Segments that are not over at most, as in the ledger."""

Key = tuple[Stage, str | None, int, int]


@dataclass(frozen=True, slots=True)
class Recorded:
    """Keep the record of a segment that is over."""

    flight: Flight


@dataclass(slots=True)
class Log:
    """One segment that is not over. Times are seconds on the journal's clock; `cut_at` is None before the
    segment was cut, `legs` hold them as well, in the place of milliseconds."""

    drawn: Decision
    cut_at: float | None = None
    legs: dict[Key, Leg] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    language: str | None = None
    again: list[Stage] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether all of it was decided."""
        wanted = {target.language for target in self.drawn.targets}
        return self.cut_at is not None and wanted <= self.outcomes.keys()

    def settle(self, outcome: Outcome, target: str | None = None) -> None:
        """What became of a target, or of all that are left."""
        for to in self.drawn.targets:
            if target in (None, to.language):
                self.outcomes.setdefault(to.language, outcome)

    def record(self, session: str, dropped: int, unsent: int) -> Flight:
        """All of it."""
        cut, cut_at = self.drawn, self.cut_at or 0.0
        at = cut_at - cut.endpoint_ms / 1000
        return Flight(
            session,
            cut.segment,
            round(at, 4),
            round((cut.speech_end - cut.start) * 1000 / SPEECH_RATE, 1),
            cut.endpoint_ms,
            cut.draft_ms,
            self.language or cut.source or "",
            _in_all(set(self.outcomes.values())),
            dict(self.outcomes),
            tuple(_after(leg, at) for leg in self.legs.values()),
            dropped,
            unsent,
            tuple(self.again),
            cut.recorded,
        )


class Recorder:
    """Of one speaker. `take` gives the records of the segments that are over."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._logs: dict[int, Log] = {}
        self._dropped: dict[int, list[str]] = {}
        self._done: list[Flight] = []

    def decided(self, at: float, decision: Decision) -> None:
        """Folds a decision that was written at `at`, before its facts."""
        number = decision.segment
        log = self._logs.get(number)
        match decision.kind:
            case "draft":
                self._put(Log(decision))
            case "dropped":
                self._dropped.setdefault(number, []).append(decision.code)
            case "cut":
                if log is None or log.drawn.revision != decision.revision:
                    log = self._put(Log(decision))
                log.drawn, log.cut_at = decision, decided_at(decision, at)
                self._look(number)
            case "also" if log is not None:
                log.drawn = replace(log.drawn, targets=(*log.drawn.targets, *decision.targets))
            case "again" if log is not None and decision.stage is not None:
                log.again.append(decision.stage)

    def found(self, at: float, fact: facts.Fact) -> None:
        """Folds what the ledger found in an entry that was written at `at`."""
        match fact:
            case facts.Early(early):
                self.found(at, early)
            case facts.Taken(event):
                self._taken(at, event)
            case facts.Headed(event) | facts.Piece(event) | facts.Translated(event):
                self._result(event)
            case facts.Transcribed(event):
                self._result(event)
                self._transcribed(event)
            case facts.Refused(event):
                self._result(event)
            case facts.Whole(segment, target):
                self._settle(segment, "heard", target)
            case facts.Decided(decision) if decision.kind == "gave_up":
                self._settle(decision.segment, "failed", decision.target)

    def silenced(self, before: int) -> None:
        """Nobody wants to hear the segments before `before`."""
        for number in [number for number in self._logs if number < before]:
            self._settle(number, "stopped", None)

    def take(self) -> list[Flight]:
        """The records that were not taken yet."""
        done, self._done = self._done, []
        return done

    def _put(self, log: Log) -> Log:
        self._logs[log.drawn.segment] = log
        if len(self._logs) > KEPT:
            del self._logs[next(iter(self._logs))]
        return log

    def _taken(self, at: float, event: Event) -> None:
        if (log := self._logs.get(event.segment)) is not None:
            worker, part = event.worker, event.part
            leg = Leg(event.stage, event.target, worker, event.attempt, part, event.queued_ms, at)
            log.legs.setdefault(_key(event), leg)

    def _result(self, event: Event) -> None:
        log = self._logs.get(event.segment)
        leg = log.legs.get(_key(event)) if log else None
        if log is None or leg is None:
            return
        at = leg.taken_ms + event.running_ms / 1000
        first = at if leg.first_ms is None and not event.code else leg.first_ms
        log.legs[_key(event)] = replace(
            leg, first_ms=first, last_ms=at, code=event.code, provider=event.provider
        )

    def _transcribed(self, event: Event) -> None:
        if (log := self._logs.get(event.segment)) is not None:
            log.language = event.language
        if not event.text:
            self._settle(event.segment, "silent", None)

    def _settle(self, number: int, outcome: Outcome, target: str | None) -> None:
        if (log := self._logs.get(number)) is not None:
            log.settle(outcome, target)
            self._look(number)

    def _look(self, number: int) -> None:
        """A segment of which everything is known is recorded; nothing more is heard of it."""
        log = self._logs[number]
        if not log.over:
            return
        del self._logs[number]
        reasons = [why for each in sorted(self._dropped) if each <= number for why in self._dropped.pop(each)]
        unsent = reasons.count("unsent")
        self._done.append(log.record(self._session, len(reasons) - unsent, unsent))


def _key(event: Event) -> Key:
    return event.stage, event.target, event.attempt, event.part


def _in_all(outcomes: set[Outcome]) -> Outcome:
    """What became of a segment of whose targets that became."""
    if not outcomes:
        return "silent"
    if len(outcomes) == 1:
        return outcomes.pop()
    return "partly" if "failed" in outcomes else "stopped" if "stopped" in outcomes else "heard"


def _after(leg: Leg, at: float) -> Leg:
    """A leg in milliseconds after `at`."""

    def ms(moment: float | None) -> float | None:
        return None if moment is None else round((moment - at) * 1000, 1)

    taken = round((leg.taken_ms - at) * 1000, 1)
    return replace(leg, taken_ms=taken, first_ms=ms(leg.first_ms), last_ms=ms(leg.last_ms))
