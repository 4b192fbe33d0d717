"""Which terms hold for which segment: new ones between two segments, never within one."""

from __future__ import annotations

from gateway.core.terms import Terms


class Agreed:
    """`terms` hold now, `wanted` from the next segment on, None where nothing else was asked for."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.wanted: Terms | None = None
        self._wanted_from = 0
        self._begun: dict[int, Terms] = {}

    @property
    def next(self) -> Terms:
        """The terms that will hold next, those of the running segment aside."""
        return self.wanted or self.terms

    def update(self, terms: Terms, at: int) -> None:
        """Other terms for what is said from sample `at` on."""
        self.wanted, self._wanted_from = terms, at

    def adopt(self) -> None:
        """No segment is open: what is wanted holds."""
        if self.wanted is not None:
            self.terms, self.wanted = self.wanted, None

    def begin(self, segment: int, at: int) -> None:
        """A segment is certain, whose first voiced sample is `at`."""
        if at >= self._wanted_from:
            self.adopt()
        self._begun[segment] = self.terms

    def of(self, segment: int) -> Terms:
        """The terms of a segment that has begun."""
        return self._begun[segment]

    def cut(self, segment: int) -> Terms:
        """The terms of a segment that is cut; what is wanted holds from here on."""
        terms = self._begun.pop(segment)
        self.adopt()
        return terms
