"""What becomes of a segment under pressure: all of it, with less effort, its captions alone, or nothing.

A pure function of what stands before it, of how long engines take, and of the time that is left until its
speech would come too late.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass

from bridge.types import Stage
from gateway.core.service import Service

BACK = 0.75
"""Share of the time left behind the words in which speech must come to be heard again: less than what it was
left out at, so that a lane does not change from one segment to the next."""


@dataclass(frozen=True, slots=True)
class Line:
    """What stands at a queue: `pieces` are bound for it, `slots` of them are done at once."""

    queue: str
    pieces: float
    slots: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds from now until the words of a target are there, and until its first sound; `soonest` if it had
    to wait for nothing behind its words."""

    words: float
    speech: float
    soonest: float


@dataclass(frozen=True, slots=True)
class Treatment:
    """`quick`: with the least effort. `mute` are the targets whose speech is left out. `drop`: all is."""

    quick: bool = False
    mute: frozenset[str] = frozenset()
    drop: bool = False


Lines = Mapping[tuple[Stage, str | None], Line]


def forecast(lines: Lines, service: Service, *, quick: bool) -> dict[str, Forecast]:
    """When each target is served if it is sent now, "" where there is none but the transcript.

    A stage begins when the one before is done and its own queue has come so far, counting what stands there
    and what was counted before.
    """
    more: Counter[str] = Counter()

    def after(stage: Stage, target: str | None, at: float) -> float:
        line = lines.get((stage, target))
        if line is None:
            return at
        ahead = line.pieces + more[line.queue]
        more[line.queue] += 1
        # Of those that run half is done, on the average.
        behind = ahead - line.slots + 0.5 if ahead >= line.slots else 0.0
        begins = max(at, behind * service.busy(line.queue, quick=quick) / line.slots)
        return begins + service.first(line.queue, quick=quick)

    heard = after("stt", None, 0.0)
    found: dict[str, Forecast] = {}
    for target in [target for stage, target in lines if stage == "translation" and target is not None]:
        words = after("translation", target, heard)
        speech = after("tts", target, words)
        line = lines.get(("tts", target))
        soonest = words + (service.first(line.queue, quick=quick) if line else 0.0)
        found[target] = Forecast(words, speech, soonest)
    return found or {"": Forecast(heard, heard, heard)}


def treat(
    left: float,
    usual: Mapping[str, Forecast],
    hurried: Mapping[str, Forecast],
    *,
    quick: bool = False,
    muted: Set[str] = frozenset(),
    crowded: bool = True,
) -> Treatment:
    """What to do with a segment whose first sound may come in `left` seconds.

    `usual` and `hurried` say when it comes with full and with the least effort. `quick`: all have that in
    common at the moment. The speech of `muted` targets was left out in the segment before. Where it is
    `crowded` before words are made, those whose speech can only come too late hold up others in vain.
    """
    quick = quick or any(each.speech > left for each in usual.values())
    found = hurried if quick else usual
    late = {
        target
        for target, each in found.items()
        if each.speech - each.words > max(0.0, left - each.words) * (BACK if target in muted else 1.0)
    }
    if crowded and all(each.soonest > left for each in found.values()):
        return Treatment(quick, drop=True)
    return Treatment(quick, frozenset(late - {""}))
