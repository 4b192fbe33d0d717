"""The four ways to choose among queues that can take a piece of work: LOAD_BALANCE_STRATEGY.

None of them is given a queue whose workers are dead or draining. Each gateway chooses for itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from bridge.types import Stage

Place = tuple[Stage, str | None]
"""A stage, and the target it works for (None: stt)."""
Plan = Mapping[Place, str]
"""The queue of each piece of work."""

Name = Literal["least_loaded", "round_robin", "affinity", "resident"]
NAMES: tuple[Name, ...] = get_args(Name)

FLOOR = 0.005
"""Seconds that any piece takes: the hop through its queue is no shorter, whatever the engine does."""
ALIKE = 1.15
"""Waits that differ by less are the same: measured times of equal devices differ by some per cent."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A queue that can take a piece of work.

    `load` is work per slot, `seconds` what a piece takes there, `room` whether its workers begin soon what
    is sent now, `holds` whether they hold the model.
    """

    queue: str
    slots: int = 1
    load: float = 0.0
    seconds: float = 0.0
    room: bool = True
    holds: bool = True

    @property
    def device(self) -> str:
        """Where its workers are."""
        return self.queue.partition(".")[2]

    @property
    def wait(self) -> float:
        """Seconds until a piece that is sent now is done: work per slot, times what a piece takes."""
        return max(self.seconds, FLOOR) * max(1.0, self.load + 1 / self.slots)


class Strategy(Protocol):
    """Chooses, and remembers what was sent; `choose` itself changes nothing."""

    def choose(self, session: str, place: Place, candidates: Sequence[Candidate], chosen: Plan) -> str:
        """The queue of a piece of work; `chosen` are those of the same segment's other pieces so far."""

    def sent(self, session: str, plan: Plan) -> None:
        """Work of a session was sent so."""

    def looked(self, queues: Collection[str]) -> None:
        """These have live workers; others have none."""

    def forget(self, session: str) -> None:
        """The session is over."""


class LeastLoaded:
    """Where it is done soonest; of queues that are alike in this, the one with the least work."""

    def choose(self, session: str, place: Place, candidates: Sequence[Candidate], chosen: Plan) -> str:
        return least_loaded(candidates)

    def sent(self, session: str, plan: Plan) -> None:
        """Remembers nothing."""

    def looked(self, queues: Collection[str]) -> None:
        """Remembers nothing."""

    def forget(self, session: str) -> None:
        """Remembers nothing."""


class Resident(LeastLoaded):
    """The least loaded of those that hold the model, as `models.holds` can tell; where these have no room and
    others have, of all, so that one of them loads it."""

    def choose(self, session: str, place: Place, candidates: Sequence[Candidate], chosen: Plan) -> str:
        holders = [each for each in candidates if each.holds]
        return least_loaded(_with_room(holders) or _with_room(candidates) or holders or candidates)


class RoundRobin(LeastLoaded):
    """One after the other, whatever they have to do; one without room is left out."""

    def __init__(self) -> None:
        self._last: dict[Stage, str] = {}

    def choose(self, session: str, place: Place, candidates: Sequence[Candidate], chosen: Plan) -> str:
        last = self._last | {stage: queue for (stage, _), queue in chosen.items()}
        names = sorted(each.queue for each in _with_room(candidates) or candidates)
        return next((name for name in names if name > last.get(place[0], "")), names[0])

    def sent(self, session: str, plan: Plan) -> None:
        self._last |= {stage: queue for (stage, _), queue in plan.items()}


class Affinity:
    """A session keeps its queue, and its queues are on one device where they can be.

    It moves where its queue has no live worker any more. While its queue has no room and others have, its
    work goes to the least loaded of them, and afterwards home again. A new session goes where, for their
    speed, the fewest live.
    """

    def __init__(self) -> None:
        self._homes: dict[str, dict[Place, str]] = {}
        self._living: Counter[str] = Counter()

    def choose(self, session: str, place: Place, candidates: Sequence[Candidate], chosen: Plan) -> str:
        homes = self._homes.get(session, {})
        with_room = _with_room(candidates) or candidates
        home = homes.get(place)
        if any(each.queue == home for each in with_room):
            return str(home)
        if any(each.queue == home for each in candidates):
            return least_loaded(with_room)
        devices = {queue.partition(".")[2] for queue in (*homes.values(), *chosen.values())}
        near = [each for each in with_room if each.device in devices]
        return min(near or with_room, key=self._crowd).queue

    def sent(self, session: str, plan: Plan) -> None:
        homes = self._homes.setdefault(session, {})
        for place, queue in plan.items():
            if place not in homes:
                homes[place] = queue
                self._living[queue] += 1

    def looked(self, queues: Collection[str]) -> None:
        for session, homes in self._homes.items():
            if any(queue not in queues for queue in homes.values()):
                self._homes[session] = {place: queue for place, queue in homes.items() if queue in queues}
        self._living = Counter(queue for homes in self._homes.values() for queue in homes.values())

    def forget(self, session: str) -> None:
        self._living.subtract(self._homes.pop(session, {}).values())

    def _crowd(self, candidate: Candidate) -> tuple[float, float, str]:
        living = (self._living[candidate.queue] + 1) / candidate.slots
        return living * max(candidate.seconds, FLOOR), candidate.wait, candidate.queue


def least_loaded(candidates: Sequence[Candidate]) -> str:
    """The queue where work is done soonest."""
    best = min(each.wait for each in candidates)
    alike = [each for each in candidates if each.wait <= best * ALIKE]
    return min(alike, key=lambda each: (each.load, each.queue)).queue


def _with_room(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [each for each in candidates if each.room]


def strategy(name: Name) -> Strategy:
    """A new one of this name."""
    kinds: dict[Name, type[Strategy]] = {
        "least_loaded": LeastLoaded,
        "round_robin": RoundRobin,
        "affinity": Affinity,
        "resident": Resident,
    }
    return kinds[name]()
