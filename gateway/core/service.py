"""How long the engines take, as their workers report: an average in which the last ones count most."""

from __future__ import annotations

from bridge.types import Event

WEIGHT = 0.2
"""Of the newest in the average: the last ten make up nine tenths of it."""


class Service:
    """Seconds by queue. A queue that nobody has measured is like the others of its stage; before anything was
    measured all take 0.0."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, bool], float] = {}
        self._busy: dict[tuple[str, bool], float] = {}

    def note(self, event: Event, queue: str) -> None:
        """Takes over what a worker of `queue` says of its own time; failures and partials say nothing."""
        seconds = event.running_ms / 1000
        key = (queue, event.quick)
        whole = event.kind == "text" and not event.skip  # a head came before
        if whole or event.kind == "head" or (event.kind == "audio" and event.index == 0):
            _average(self._first, key, seconds)
        if event.kind == "text" or event.kind == "done":
            _average(self._busy, key, seconds)

    def first(self, queue: str, *, quick: bool = False) -> float:
        """Until the first result of a piece of work."""
        return _known(self._first, queue, quick)

    def busy(self, queue: str, *, quick: bool = False) -> float:
        """For how long a piece of work keeps an engine from others."""
        return _known(self._busy, queue, quick)


def _average(known: dict[tuple[str, bool], float], key: tuple[str, bool], seconds: float) -> None:
    known[key] = known[key] + WEIGHT * (seconds - known[key]) if key in known else seconds


def _known(known: dict[tuple[str, bool], float], queue: str, quick: bool) -> float:
    for like in (quick, not quick):
        if (queue, like) in known:
            return known[queue, like]
    stage = queue.partition(".")[0]
    others = [seconds for (name, _), seconds in known.items() if name.partition(".")[0] == stage]
    return sum(others) / len(others) if others else 0.0
