"""What a gateway knows of the segments of one room, as spans of their traces (bridge.tracing).

The gateway of a speaker begins a trace with each segment and ends it when nothing more comes of it; its
decisions carry the trace into the journal, so that each gateway that delivers the segment adds to it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bridge import tracing
from bridge.tracing import Root, Span, Tracer
from bridge.types import Decision, Entry, Flight
from gateway.core.effects import Done, Effect, Play, Purge, Say, Submit
from gateway.core.inputs import Shed, Unsent
from gateway.core.tuning import Tuning, numbered
from gateway.runtime.lanes import Told

KEPT = 256
"""Segments of a room whose trace is known: those of the last minutes."""

Key = tuple[str, int]
"""A segment: its session, and its number there."""
Tell = Callable[[Told], object]
Left = Callable[[int, int], None]
"""Told of a segment and a target, by their numbers as in Play."""


class Untraced:
    """Where nobody collects spans: all that is told is forgotten at once."""

    def read(self, entry: Entry) -> None:
        """The next entry of the journal."""

    def released(self, tuning: Tuning, found: Sequence[Effect], entry: str) -> None:
        """What those get who listen in one way, of the entry with that id."""

    def leaving(self, tuning: Callable[[], Tuning]) -> Left:
        """Whom to tell of the first frame of each segment's speech that leaves to one who listens so."""
        return lambda segment, target: None

    def decided(self, decision: Decision) -> Decision:
        """A decision on its way to the journal, with the trace of its segment."""
        return decision

    def sent(self, submit: Submit, tell: Tell) -> tuple[Submit, Tell]:
        """Work on its way to the dispatcher, with its trace; and whom to tell."""
        return submit, tell

    def settled(self, flight: Flight) -> None:
        """It is known what became of a segment."""

    def parted(self, session: str) -> None:
        """The session is not held here any more."""


UNTRACED = Untraced()


def traced(now: Callable[[], float]) -> Untraced:
    """Spans of a room, where somebody collects them; `now` is the clock of Redis."""
    return Spans(tracing.tracer, now) if tracing.tracer is not None else UNTRACED


@dataclass(slots=True)
class _Segment:
    """One that was begun here and is not over. `drafts` by revision: when each was sent."""

    root: Root
    attributes: dict[str, Any]
    drafts: dict[int, float] = field(default_factory=dict)
    events: dict[str, float] = field(default_factory=dict)
    code: str = ""
    outcome: str = "left"
    settled: bool = False
    done: bool = False


@dataclass(frozen=True, slots=True)
class _Due:
    """Speech that may be heard since `at`, of which nothing has been sent yet; `own`: by who said it."""

    key: Key
    trace: str
    language: str
    at: float
    own: bool


class Spans(Untraced):
    """Of one room."""

    def __init__(self, tracer: Tracer, now: Callable[[], float]) -> None:
        self._tracer = tracer
        self._now = now
        self._open: dict[Key, _Segment] = {}
        self._traces: OrderedDict[Key, str] = OrderedDict()
        self._keys: OrderedDict[int, Key] = OrderedDict()
        self._due: OrderedDict[tuple[int, str | int], _Due] = OrderedDict()

    def read(self, entry: Entry) -> None:
        """Learns the trace of a segment that another gateway began."""
        if isinstance(entry.item, Decision) and entry.item.trace:
            self._learn(entry.item, entry.item.trace)

    def released(self, tuning: Tuning, found: Sequence[Effect], entry: str) -> None:
        """Speech may be sent, is not wanted any more, or all of a segment was said."""
        for effect in found:
            match effect:
                case Play(offset=0) if effect.pcm:
                    self._expect(tuning, effect, entry)
                case Purge(before) if tuning.hears == "itself":
                    for place in [place for place in self._due if place[0] < before]:
                        self._close(self._due.pop(place).key)
                case Say(what=Done(segment=number)):
                    key = self._keys.get(number)
                    if key is not None and key[0] == tuning.own and key in self._open:
                        self._open[key].done = True
                        self._close(key)

    def _expect(self, tuning: Tuning, sound: Play, entry: str) -> None:
        key = self._keys.get(sound.segment)
        if key is None or not (trace := self._traces.get(key)):
            return
        at, own = int(entry.partition("-")[0]) / 1000, tuning.hears == "itself"
        place = sound.segment, tuning.language or sound.target
        self._due[place] = _Due(key, trace, sound.language, at, own)
        _bound(self._due)

    def leaving(self, tuning: Callable[[], Tuning]) -> Left:
        """Of several who listen here, the quickest counts."""
        return lambda segment, target: self._left(tuning(), segment, target)

    def _left(self, tuning: Tuning, segment: int, target: int) -> None:
        if (due := self._due.pop((segment, tuning.language or target), None)) is not None:
            more = {"bridge.target": due.language}
            self._record("deliver", due.trace, due.key, due.at, self._now(), more)
            self._close(due.key)

    def decided(self, decision: Decision) -> Decision:
        """Begins a trace, and notes what becomes of its segment."""
        key = decision.session, decision.segment
        if decision.kind == "began" and key not in self._traces:
            root = self._tracer.begin("segment", decision.at)
            if not root.trace:
                return decision
            self._learn(decision, root.trace)
            about = {"bridge.session": decision.session, "bridge.segment": decision.segment}
            self._open[key] = _Segment(root, {**about, "bridge.attempt": 0})
        if (segment := self._open.get(key)) is not None:
            self._note(key, segment, decision)
        carries = decision.kind in ("began", "draft", "cut")
        return replace(decision, trace=self._traces.get(key, "")) if carries else decision

    def _note(self, key: Key, segment: _Segment, decision: Decision) -> None:
        match decision.kind:
            case "draft":
                segment.drafts[decision.revision] = decision.at
            case "dropped":
                self._drafted(key, segment, decision, "dropped")
            case "cut":
                self._drafted(key, segment, decision, "promoted")
                segment.events["speech ended"] = decision.at - decision.endpoint_ms / 1000
                segment.events["cut"] = decision.at
                segment.attributes["bridge.targets"] = [target.language for target in decision.targets]
            case "again":
                segment.attributes["bridge.attempt"] = decision.attempt
            case "gave_up":
                segment.code = decision.code if decision.code != "echo" else ""  # nobody missed it
                segment.events[f"gave up {decision.target or 'all'}"] = decision.at

    def _drafted(self, key: Key, segment: _Segment, decision: Decision, outcome: str) -> None:
        """A draft is over, if there was one."""
        since = segment.drafts.pop(decision.revision, None)
        if since is not None:
            more = {"bridge.revision": decision.revision, "bridge.outcome": outcome}
            self._record("draft", segment.root.trace, key, since, decision.at, more)

    def sent(self, submit: Submit, tell: Tell) -> tuple[Submit, Tell]:
        """Its span lasts until the gateway knows that its tasks stand in Redis, or will not."""
        work = submit.work
        key = work.session, work.segment
        if not (trace := self._traces.get(key)):
            return submit, tell
        about: dict[str, Any] = {
            "bridge.stage": submit.stage,
            "bridge.attempt": work.attempt,
            "bridge.revision": work.revision,
            "bridge.urgency": submit.urgency,
        }
        if work.target:
            about["bridge.target"] = work.target

        def told(what: Told) -> object:
            if isinstance(what, Shed) and what.targets is not None:
                about["bridge.shed"] = what.targets  # the rest is sent
            else:
                self._record("dispatch", trace, key, work.sent, self._now(), about, _why(submit, what))
            return tell(what)

        return replace(submit, work=work.but(trace=trace)), told

    def settled(self, flight: Flight) -> None:
        """It is over as soon as that was said, and its speech was sent."""
        key = flight.session, flight.segment
        if (segment := self._open.get(key)) is not None:
            segment.settled, segment.outcome = True, flight.outcome
            self._close(key)

    def parted(self, session: str) -> None:
        """What is left of its segments goes on elsewhere, or nowhere."""
        for key in [key for key in self._open if key[0] == session]:
            self._end(self._open.pop(key))

    def _close(self, key: Key) -> None:
        segment = self._open.get(key)
        if segment is None or not (segment.settled and segment.done):
            return
        if not any(due.own and due.key == key for due in self._due.values()):
            del self._open[key]
            self._end(segment)

    def _end(self, segment: _Segment) -> None:
        attributes = {**segment.attributes, "bridge.outcome": segment.outcome}
        segment.root.end(self._now(), attributes, segment.code, list(segment.events.items()))

    def _learn(self, decision: Decision, trace: str) -> None:
        key = decision.session, decision.segment
        self._traces[key] = trace
        self._keys[numbered(decision.speaker, decision.segment)] = key
        _bound(self._traces)
        _bound(self._keys)

    def _record(
        self,
        name: str,
        trace: str,
        key: Key,
        start: float,
        end: float,
        more: dict[str, Any],
        code: str = "",
    ) -> None:
        about = {"bridge.session": key[0], "bridge.segment": key[1], **more}
        self._tracer.record(Span(name, trace, start, end, about, code))


def _bound(known: OrderedDict[Any, Any]) -> None:
    while len(known) > KEPT:
        known.popitem(last=False)


def _why(submit: Submit, what: Told) -> str:
    """Why nothing was sent. A draft for which nobody has time is no failure."""
    if isinstance(what, Shed):
        return "too_late"
    return "not_sent" if isinstance(what, Unsent) and submit.urgency != "draft" else ""
