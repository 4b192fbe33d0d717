"""Barge-in: whether a listener's own speech holds back, or silences, what is spoken to them.

Decides on judged windows, sooner than the segmenter is certain of speech: a pause can be taken back.

    quiet --EARLY voiced windows in a row--> paused --min_speech--> stopped, where that is wanted
      ^                                        |                       |
      +-------------- resumed <--- silence ----+-----------------------+
"""

from __future__ import annotations

from math import inf
from typing import Literal

from bridge.types import SPEECH_RATE
from gateway.core import inputs
from gateway.core.echo import Source, told
from gateway.core.quiet import WINDOW
from gateway.core.terms import Terms

BARGE_IN = "barge_in"
"""The reason that decisions and acknowledgements carry."""
EARLY = 3
"""Voiced windows in a row that pause: 96 ms. Knocks are shorter; a cough holds speech up for a moment."""
BESIDE = 5
"""The same beside an echo, of which up to four windows are not explained at first."""
QUIET_MS = 320
"""Silence that ends the listener's speech, where the one that ends a segment is not longer."""
SILENT_SECONDS = 1.0
"""Where no audio comes for so long (a microphone that was switched off) nobody speaks."""

_WINDOW_MS = WINDOW * 1000 // SPEECH_RATE

Wish = Literal["paused", "stopped", "resumed"]


class BargeIn:
    """Of one session that speaks and listens. Voice counts from the probability on that cuts segments."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._row = self._voiced = self._quiet = 0
        self._paused = self._stopped = False
        self._heard_at = -inf

    @property
    def next(self) -> float:
        """When the next tick matters, infinity where none does."""
        return self._heard_at + SILENT_SECONDS if self._paused else inf

    def handle(self, given: inputs.Input, now: float) -> list[Wish]:
        """What an input brings about; `now` in seconds."""
        match given:
            case inputs.Windows(_, probabilities, heard):
                self._heard_at = now
                if self._terms.barge_in == "off":
                    return []
                whose = told(heard, len(probabilities))
                each = zip(probabilities, whose, strict=True)
                return [wish for probability, by in each for wish in self._window(probability, by)]
            case inputs.Update(terms):
                self._terms = terms
                return self._over() if terms.barge_in == "off" else []
            case inputs.Commit() | inputs.End():
                return self._over()
            case inputs.Tick() if now >= self.next:
                return self._over()
        return []

    def _over(self) -> list[Wish]:
        """Nothing is said any more."""
        paused, self._paused, self._stopped = self._paused, False, False
        self._row = self._voiced = self._quiet = 0
        return ["resumed"] if paused else []

    @property
    def _certain(self) -> bool:
        return self._voiced * _WINDOW_MS >= self._terms.cutting.min_speech_ms

    def _window(self, probability: float, by: Source) -> list[Wish]:
        if probability < self._terms.cutting.threshold or by == "echo":
            self._row = 0
            self._quiet += 1
            enough = max(QUIET_MS, self._terms.cutting.min_silence_ms) if self._certain else QUIET_MS
            return self._over() if self._quiet * _WINDOW_MS >= enough else []
        self._quiet = 0
        self._row += 1
        self._voiced += 1
        if by == "unknown":
            return []
        return [*self._pause(BESIDE if by == "beside" else EARLY), *self._stop()]

    def _pause(self, least: int) -> list[Wish]:
        if self._paused or self._row < least:
            return []
        self._paused = True
        return ["paused"]

    def _stop(self) -> list[Wish]:
        if self._terms.barge_in != "stop" or not self._paused or self._stopped or not self._certain:
            return []
        self._stopped = True
        return ["stopped"]
