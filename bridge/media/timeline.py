"""When each sound of a file is presented: gaps, late beginnings, drift, and times that cannot be believed."""

from __future__ import annotations

JITTER_S = 0.02
"""What containers that count in milliseconds or in packets are off by."""
GAP_S = 0.2
"""A shorter one is taken for drift: it moves the times and adds no silence within a word."""
MARGIN_S = 60.0
"""How far behind the end that a header tells sound may still lie."""
LONGEST_S = 48 * 3600.0
"""The end of a file that does not tell its length."""


class Timeline:
    """Follows the presentation times of the pieces of one track. All times are seconds.

    `origin` is the time that the file begins with, `end` its last one by its header.
    """

    def __init__(self, origin: float, end: float | None) -> None:
        self._shift = -origin
        self._last = (end + MARGIN_S if end is not None else LONGEST_S) - origin
        self.now = 0.0

    def gap(self, time: float | None) -> float:
        """How much is missing before a piece that is presented at `time`, 0 where it follows.

        Times that go back, as in files joined of several, or beyond the end, are not believed: the
        piece follows then, and those after it are counted from there.
        """
        if time is None:
            return 0.0
        ahead = time + self._shift - self.now
        if ahead < -GAP_S or self.now + ahead > self._last:
            self._shift -= ahead
            return 0.0
        if abs(ahead) <= JITTER_S:
            return 0.0
        self.now += ahead
        return ahead if ahead > GAP_S else 0.0

    def advance(self, seconds: float) -> None:
        """A piece of this length was heard."""
        self.now += seconds
