"""Echo: whether a segment is our own speech that came back into the microphone.

The guard (core/guard.py) tells of each window how much of its energy nothing explains that was played. Here
that becomes a verdict: a segment is an echo where what was played explains most of it, and for no stretch of
time something else was said. Of two people who speak at once nobody is dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal

from bridge.types import Decision
from gateway.core.cuts import Cut
from gateway.core.effects import Append
from gateway.core.heard import UNSEEN, Heard
from gateway.core.quiet import WINDOW

EXPLAINED = 0.6
"""Share of a segment's energy that what was played must explain: two thirds and more of an echo. As much may
be explained of people who speak into an echo as loud as they are; there the next number decides."""
OWN = 3
"""Windows in a row, 96 ms, of something else that was said: reverberation leaves two unexplained."""
_FAINT = 0.3  # of the mean energy, up to which what is left is the room
_KEPT = 2048  # windows, 65 s: the longest segment and its surroundings


Source = Literal["own", "beside", "echo", "unknown"]
"""Of a window with voice: somebody speaks; somebody speaks beside an echo; an echo; it cannot be told yet."""


def told(heard: Sequence[Heard], windows: int) -> list[Source]:
    """Whose voice each of the last windows holds, if any; all are the speaker's own where nothing is told."""
    faint = _FAINT * sum(each.energy for each in heard) / max(1, len(heard))
    found: list[Source] = ["own"] * windows
    for place, each in zip(range(windows - 1, -1, -1), reversed(heard), strict=False):
        found[place] = _source(each, faint)
    return found


def _source(heard: Heard, faint: float) -> Source:
    if not heard.sure:
        return "unknown"
    if heard.own >= heard.energy:
        return "own"
    return "echo" if heard.echo or heard.own <= faint else "beside"


class Echoes:
    """What is known of the windows of one speaker."""

    def __init__(self, at: int = 0) -> None:
        """The first window begins at sample `at`."""
        self._next = at // WINDOW
        self._heard: dict[int, Heard] = {}
        self._voiced: deque[int] = deque(maxlen=_KEPT)

    def note(self, probabilities: Sequence[float], heard: Sequence[Heard], threshold: float) -> None:
        """The next windows; `heard` is what is known by now of the last windows, the newest last."""
        for probability in probabilities:
            if probability >= threshold:
                self._voiced.append(self._next)
            self._next += 1
        for number, new in enumerate(heard, self._next - len(heard)):
            # What was explained stays so: a later look may not reach as far.
            if new.own < new.energy or not self._heard.get(number, UNSEEN).sure:
                self._heard[number] = new
        while self._heard and (oldest := next(iter(self._heard))) < self._next - _KEPT:
            del self._heard[oldest]

    def explain(self, start: int, end: int) -> bool:
        """Whether samples `start` to `end` are an echo."""
        if not self._heard:
            return False
        numbers = range(start // WINDOW, -(-end // WINDOW))
        seen = [it for number in numbers if (it := self._heard.get(number, UNSEEN)).energy > 0]
        voiced = set(self._voiced)
        if 2 * len(seen) <= sum(number in voiced for number in numbers):
            return False
        energy = sum(each.energy for each in seen)
        if not seen or sum(each.own for each in seen) > (1 - EXPLAINED) * energy:
            return False
        faint = _FAINT * energy / len(seen)
        row = longest = 0
        for number in numbers:
            known = self._heard.get(number)
            own = number in voiced if known is None else not known.echo and known.own > faint
            row = row + 1 if own else 0
            longest = max(longest, row)
        return longest < OWN

    def drop(self, session: str, cut: Cut) -> list[Append]:
        """Gives up a segment of a session that is an echo."""
        if not self.explain(cut.start, cut.speech_end):
            return []
        message = "Our own speech came back into the microphone; it is not translated again."
        decision = Decision(
            "gave_up", session, segment=cut.segment, stage="stt", code="echo", message=message
        )
        return [Append(decision)]
