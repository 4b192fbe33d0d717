"""Made-up speech for the tests of the segmenter: a scripted judge instead of a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gateway.core.cuts import Cut, Report
from gateway.core.quiet import WINDOW
from gateway.core.segmenter import Segmenter
from gateway.core.terms import SegmenterConfig

MS = 16
"""Samples per millisecond."""

WINDOW_MS = 32

CONFIG = SegmenterConfig(
    threshold=0.5, min_speech_ms=128, min_silence_ms=320, padding_ms=96, max_segment_ms=4_000
)
"""All but the longest segment are whole windows: 4, 10 and 3 of them."""


class Scripted:
    """Says what the script has for each window, then silence; keeps the windows it was asked for."""

    def __init__(self, script: Iterable[float]) -> None:
        self.script = iter(script)
        self.windows: list[bytes] = []

    def __call__(self, window: bytes) -> float:
        self.windows.append(window)
        return next(self.script, 0.0)


def script(*parts: tuple[int, float]) -> list[float]:
    """(windows, probability) pairs, one after the other."""
    return [probability for windows, probability in parts for _ in range(windows)]


def numbered(samples: int) -> bytes:
    """Audio whose every sample tells its own position (modulo 2**16)."""
    return np.arange(samples).astype("<u2").tobytes()


def noise(samples: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).integers(-3_000, 3_000, samples).astype("<i2").tobytes()


def segmenter(probabilities: Sequence[float], **changes: Any) -> Segmenter:
    return Segmenter(replace(CONFIG, **changes), Scripted(probabilities))


def run(probabilities: Sequence[float], **changes: Any) -> list[Report]:
    """All that comes of one window of numbered audio per probability, flush included."""
    made = segmenter(probabilities, **changes)
    return made.feed(numbered(len(probabilities) * WINDOW)) + made.flush()


def cuts(reports: Iterable[Report]) -> list[Cut]:
    return [report for report in reports if isinstance(report, Cut)]


def only_cut(reports: Iterable[Report]) -> Cut:
    (cut,) = cuts(reports)
    return cut
