"""Where speech without a pause is cut while it goes on, so that nobody waits for the end of a long sentence.

Once it has lasted for so long: behind the last clause that is certain, else in a pause too short to end a
segment; when it has lasted half as long again, where it is quietest.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bridge.types import SPEECH_RATE
from gateway.core.quiet import WINDOW, quietest
from gateway.core.stretch import Stretch

PAUSE = 5 * WINDOW
"""Samples of silence (160 ms) that divide speech which has lasted: longer than the closure of a plosive."""
_SEARCH = 3 * SPEECH_RATE  # samples at the end of a too long segment where a cut is looked for, at most
_BEFORE, _AFTER = (
    SPEECH_RATE // 6,
    SPEECH_RATE // 3,
)  # of a word's end, where its quietest sample is looked for
_SILENCE = re.compile(rb"\x00{%d,}(?=\x01)" % (PAUSE // WINDOW))

Sound = Callable[[int, int], bytes]
"""The PCM between two samples."""


def too_long(it: Stretch, most: int, sound: Sound) -> int:
    """The quietest sample in the last third, 3 s at most, of a segment that has lasted for `most` samples."""
    return _quiet(it, it.limit - min(most // 3, _SEARCH), it.limit, sound)


def lasting(it: Stretch, judged: int, clause: int, sound: Sound) -> int | None:
    """The sample at which speech that was judged up to `judged` is cut, None where it goes on; it lasts for
    `clause` samples at least."""
    lasted = judged - it.start
    if lasted < clause:
        return None
    least = it.start + clause // 3
    if least <= it.clause < judged:
        return _quiet(it, it.clause - _BEFORE, min(it.clause + _AFTER, judged), sound)
    if (pause := _pause(it, least)) is not None:
        return pause
    return _quiet(it, max(least, judged - clause), judged, sound) if lasted >= clause * 3 // 2 else None


def _pause(it: Stretch, least: int) -> int | None:
    """The middle of the longest pause behind sample `least` after which speech went on."""
    first = max(0, -(-(least - it.marked) // WINDOW))
    pauses = [match.span() for match in _SILENCE.finditer(it.voiced, first)]
    if not pauses:
        return None
    begin, end = max(pauses, key=lambda span: span[1] - span[0])
    return it.marked + (begin + end) * WINDOW // 2


def _quiet(it: Stretch, start: int, end: int, sound: Sound) -> int:
    """The quietest sample between two, or a little before: in whole windows, and enough of them."""
    last = min((end - it.marked) // WINDOW, len(it.probabilities))
    first = max(0, min(last - 8, (start - it.marked) // WINDOW))
    at = it.marked + first * WINDOW
    return at + quietest(sound(at, it.marked + last * WINDOW), it.probabilities[first:last])
