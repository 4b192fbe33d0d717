"""What the segmenter finds in a stream: speech that began, that may have ended, that ended; a whole segment.

Places are samples since the start of the session.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Reason = Literal["silence", "length", "clause", "commit", "end"]


@dataclass(frozen=True, slots=True)
class Started:
    """Segment `segment` is certain to come: it begins with sample `start`, its first voiced one is `at`."""

    segment: int
    at: int
    start: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Part:
    """A segment that goes on, as far as it was judged: samples `start` to `end`, speech to `speech_end`."""

    segment: int
    start: int
    end: int
    speech_end: int


@dataclass(frozen=True, slots=True)
class Draft:
    """The segment as it will be cut if no more is said: samples `start` to `end` in `pcm`."""

    segment: int
    start: int
    end: int
    speech_end: int
    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Resumed:
    """Speech goes on after `pause` samples of silence: the draft of the segment is void."""

    segment: int
    pause: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The speech of the segment ended before sample `at`; its Cut follows at once."""

    segment: int
    at: int


@dataclass(frozen=True, slots=True)
class Cut:
    """One whole segment: samples `start` to `end` in `pcm` (s16le, 16 kHz), padding included.

    `speech_end` is the sample after the last voiced window, the instant latency is measured from. `drafted`:
    it is what the last Draft said; any other sound has another `revision`.
    """

    segment: int
    start: int
    end: int
    speech_end: int
    pcm: bytes = field(repr=False)
    reason: Reason
    revision: int = 0
    drafted: bool = False


Report = Started | Draft | Resumed | Stopped | Cut
