"""How much silence ends a segment now: by the speaker's own pauses, and by what the draft says so far.

Samples and texts in, samples out.
"""

from __future__ import annotations

from collections import deque

from bridge.endings import Ending, ending, retracted
from gateway.core import cuts
from gateway.core.quiet import WINDOW, windows
from gateway.core.terms import SegmenterConfig

SEGMENTS = 16
"""Segments whose longest pauses are remembered: a minute or two of speech."""
MARGIN = 1.2
"""How much longer than the longest of these pauses the silence is that ends a segment."""
FIRST = 1 / 3
"""Where between the bounds the endpoint of a speaker lies of whom nothing is known."""
STOPS = 16
"""Full stops of which it is remembered whether they were still there when more had been said."""
TRUST = 0.25
"""Doubt up to which what is said soon after a full stop is a new sentence: two were right, none was wrong."""
TEXTS = 4
"""Drafts of which it is remembered how soon their text was there."""
SLACK = 1.1
"""How much longer than for the slowest of these a text is waited for."""


class Endpoint:
    """One speaker's, from `least_silence_ms` to `min_silence_ms` of the terms, or just the latter.

    Two things tell how long this speaker pauses without having ended: pauses within a segment that its text
    gave no reason for, and speech that began again after a cut before the longest silence had passed.
    """

    def __init__(self, config: SegmenterConfig) -> None:
        self._bound(config)
        first = self._least + (self._most - self._least) * FIRST
        self._pauses: deque[int] = deque([round(first / MARGIN)], SEGMENTS)
        self._wrong: deque[bool] = deque(maxlen=STOPS)
        self._texts: deque[int] = deque(maxlen=TEXTS)
        self._punctuated = False
        self._ending: Ending | None = None
        self._ended: int | None = None
        self._longest = 0
        self._asked = False
        self._stopped = ""

    def required(self, config: SegmenterConfig, recorded: bool = False) -> int:
        """Samples of silence that end the segment, as far as is known now, in whole windows.

        Of what was recorded before, for which nobody waits, always the most.
        """
        self._bound(config)
        return self._most if recorded else max(1, self._silence() // WINDOW) * WINDOW

    def _bound(self, config: SegmenterConfig) -> None:
        most, least = config.min_silence_ms, config.least_silence_ms
        self._most = windows(most)
        self._least = windows(most if least is None else min(least, most))

    def _silence(self) -> int:
        usual = min(self._most, max(self._least, round(max(self._pauses) * MARGIN)))
        if self._ending == "complete":
            return self._least + round((usual - self._least) * self._doubt)
        # An engine that sets full stops and set none has heard that the sentence goes on.
        if self._ending == "hanging" or (self._ending == "open" and self._punctuated):
            return self._most
        return max(usual, self._text_due) if self._asked else usual

    def follow(self, report: cuts.Report) -> None:
        """What the segmenter found."""
        match report:
            case cuts.Started(_, at):
                if self._ended is not None and at - self._ended < self._most:
                    self._pauses[-1] = max(self._pauses[-1], at - self._ended)
                self._longest, self._stopped = 0, ""
            case cuts.Resumed(_, pause):
                if self._ending != "hanging":
                    self._longest = max(self._longest, pause)
                self._asked, self._ending = False, None
            case cuts.Cut():
                self._cut(report)

    def asked(self) -> None:
        """What was said of the running segment, up to the present silence, is being transcribed."""
        self._asked = True

    def understood(self, text: str, language: str | None, after: int) -> None:
        """That is `text`, and it is there `after` so many samples of silence."""
        self._asked = False
        self._texts.append(after)
        if self._stopped and (wrong := retracted(self._stopped, text)) is not None:
            self._wrong.append(wrong)
        self._ending = ending(text, language)
        self._stopped = text if self._ending == "complete" else ""
        self._punctuated |= self._ending == "complete"

    def _cut(self, cut: cuts.Cut) -> None:
        trusted = self._ending == "complete" and self._doubt <= TRUST
        self._ended = cut.speech_end if cut.reason == "silence" and not trusted else None
        self._pauses.append(self._longest)
        self._asked, self._ending = False, None

    @property
    def _doubt(self) -> float:
        """How likely a full stop at the end of a draft is wrong, by those of which more is known."""
        return (sum(self._wrong) + 1) / (len(self._wrong) + 2)

    @property
    def _text_due(self) -> int:
        """Silence until the text is there, where it tells much and comes before the upper bound; else 0."""
        due = (int(max(self._texts, default=self._most) * SLACK) // WINDOW + 1) * WINDOW
        return due if self._punctuated and due <= self._most else 0
