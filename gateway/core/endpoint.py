"""How much silence ends a segment now: by the speaker's own pauses, and by what the draft says so far.

Samples and texts in, samples out.
"""

from __future__ import annotations

from collections import deque

from bridge.endings import Ending, ending, retracted

SEGMENTS = 16
"""Segments whose longest pauses are remembered: a minute or two of speech."""
MARGIN = 1.2
"""How much longer than the longest of these pauses the silence is that ends a segment."""
FIRST = 1 / 3
"""Where between the bounds the endpoint of a speaker lies of whom nothing is known."""
STOPS = 16
"""Full stops of which it is remembered whether they were still there when more had been said."""


TRUST = 0.25


class Endpoint:
    """One speaker's. `least` and `most` are the bounds, in samples; where they are one, it is fixed.

    Two things tell how long this speaker pauses without having ended: pauses within a segment that its text
    gave no reason for, and speech that began again after a cut before `most` had passed.
    """

    def __init__(self, least: int, most: int) -> None:
        self.bound(least, most)
        first = self._least + (most - self._least) * FIRST
        self._pauses: deque[int] = deque([round(first / MARGIN)], SEGMENTS)
        self._wrong: deque[bool] = deque(maxlen=STOPS)
        self._punctuated = False
        self._forget()

    def bound(self, least: int, most: int) -> None:
        """Sets the bounds anew; what is known of the speaker stays."""
        self._least, self._most = min(least, most), most

    @property
    def required(self) -> int:
        """Samples of silence that end the segment, as far as is known now: from `least` to `most`."""
        usual = min(self._most, max(self._least, round(max(self._pauses) * MARGIN)))
        if self._ending == "complete":
            return self._least + round((usual - self._least) * self._doubt)
        # An engine that sets full stops and set none has heard that the sentence goes on.
        goes_on = self._ending == "hanging" or (self._ending == "open" and self._punctuated)
        return self._most if goes_on else usual

    def began(self, at: int) -> None:
        """A segment began at sample `at`."""
        if self._ended is not None and at - self._ended < self._most:
            self._pauses[-1] = max(self._pauses[-1], at - self._ended)
        self._forget()

    def understood(self, text: str, language: str | None) -> None:
        """What the speaker has said of the running segment, up to the present silence."""
        if self._stopped and (wrong := retracted(self._stopped, text)) is not None:
            self._wrong.append(wrong)
        self._ending = ending(text, language)
        self._stopped = text if self._ending == "complete" else ""
        self._punctuated |= self._ending == "complete"

    def resumed(self, pause: int) -> None:
        """Speech went on, within the segment, after `pause` samples of silence."""
        if self._ending != "hanging":
            self._longest = max(self._longest, pause)
        self._ending = None

    def cut(self, speech_end: int) -> None:
        """The segment ended, with its last speech before sample `speech_end`."""
        self._ended = None if self._ending == "complete" and self._doubt <= TRUST else speech_end
        self._pauses.append(self._longest)

    @property
    def _doubt(self) -> float:
        """How likely a full stop at the end of a draft is wrong, by those of which more is known."""
        return (sum(self._wrong) + 1) / (len(self._wrong) + 2)

    def _forget(self) -> None:
        self._longest = 0
        self._ending: Ending | None = None
        self._stopped = ""
        self._ended: int | None = None
