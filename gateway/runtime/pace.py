"""How long a piece of work takes in each queue, as this gateway has seen it of late."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.service import Service
from gateway.runtime.occupancy import Occupancy

HALF_SECONDS = 30.0
"""In which half of what makes a queue slower than the best one is forgotten while nothing is sent there: a
device that was slow once gets a piece now and then, and shows what it is now."""


class Pace:
    """Seconds for a piece. One that nobody has measured is like the others of its stage."""

    def __init__(self, service: Service, occupancy: Occupancy) -> None:
        self._service = service
        self._occupancy = occupancy

    def seconds(self, queue: str, among: Iterable[str]) -> float:
        """Of `queue`; `among` are those of its stage that have workers, itself included.

        A queue that has work and for longer than its usual time finished none takes that long at least.
        """
        known = self._service.busy(queue)
        quiet = self._occupancy.quiet(queue)
        if self._occupancy.here[queue]:
            return max(known, quiet)
        best = min((self._service.busy(each) for each in among), default=known)
        left: float = 0.5 ** (quiet / HALF_SECONDS)
        return best + (known - best) * left
