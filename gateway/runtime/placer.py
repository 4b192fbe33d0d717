"""Which queues a segment takes: what this gateway knows of them, and the strategy that chooses."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from bridge import placement
from bridge.placement import Need, Place, Plan, Standing, Strategy
from bridge.types import Stage
from gateway.core.effects import Submit
from gateway.runtime.fleet import Fleet
from gateway.runtime.occupancy import Occupancy
from gateway.runtime.pace import Pace

AT_HAND = 2
"""Pieces for each slot. With one, it would stand still from each result until the gateway heard of it."""


class Placer:
    """One for each gateway. It knows of the work that the gateway sent, and of all work by looking."""

    def __init__(self, fleet: Fleet, occupancy: Occupancy, pace: Pace, strategy: Strategy) -> None:
        self._fleet = fleet
        self._occupancy = occupancy
        self._pace = pace
        self._strategy = strategy

    def plan(self, session: str, submit: Submit, most: int = AT_HAND, waiting: int = 0) -> dict[Place, str]:
        """The queues of a segment. A queue has room for it that holds fewer than `most` pieces for each slot;
        for another one it waits with the `waiting` others that do. Raises NoWorker."""
        work = submit.work
        need = Need(submit.stage, work.source, submit.targets, work.among, session)
        standing = self._standing(most, waiting, lambda queue: self._occupancy.bound[queue])
        return placement.plan(need, self._fleet.workers, standing, self._strategy, self._fleet.departed)

    def look(self, submit: Submit, beside: Callable[[str], int]) -> str:
        """The queue of a look at speech that goes on; each has so many others `beside` what it holds.

        Raises NoWorker.
        """
        work = submit.work
        need = Need(submit.stage, work.source, submit.targets, work.among, work.session)
        standing = self._standing(1, 0, lambda queue: self._occupancy.here[queue] + beside(queue))
        return placement.plan(need, self._fleet.workers, standing, self._strategy)[submit.stage, work.target]

    def _standing(self, most: int, waiting: int, pieces: Callable[[str], int]) -> Callable[[str], Standing]:
        @cache
        def standing(queue: str) -> Standing:
            slots = self.slots(queue)
            room = self._occupancy.here[queue] < slots * most
            load = max(pieces(queue) / slots, self._fleet.load(queue))
            seconds = self._pace.seconds(queue, self._peers(queue))
            return Standing(load if room else load + waiting / slots, seconds, room)

        return standing

    def fits(self, stage: Stage, plan: Plan, most: int) -> bool:
        """Whether its queues hold fewer than `most` pieces for each slot."""
        if stage != "stt":
            return True  # sent again: it takes the place of what was lost
        return all(self._occupancy.here[queue] < self.slots(queue) * most for queue in plan.values())

    def slots(self, queue: str) -> int:
        """How many pieces its workers do at once."""
        return max(1, self._fleet.slots.get(queue, 1))

    def sent(self, session: str, segment: int, plan: Plan) -> None:
        """A segment was sent so."""
        self._strategy.sent(session, plan)
        self._occupancy.begin(session, {(segment, *place): queue for place, queue in plan.items()})

    def looked(self) -> None:
        """The workers were looked at."""
        self._strategy.looked(self._fleet.slots)

    def forget(self, session: str) -> None:
        """The session is over."""
        self._strategy.forget(session)
        self._occupancy.forget(session)

    def _peers(self, queue: str) -> list[str]:
        stage = queue.partition(".")[0]
        return [each for each in self._fleet.slots if each.partition(".")[0] == stage]
