"""What is shown when: cues of two lines that a viewer can follow, made of timed speech.

Cues are split at clauses, joined where one alone would pass too fast, last at least a second and never
overlap. The web client has the same rule in gateway/web/session/cues.js; tests/data/cue_vectors.json
holds both to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import floor

from bridge.captions.breaks import ENDS_CLAUSE, IS_SPACELESS, LINE, NARROW, best_cut, effort, parts, units

LEAST_MS = 1_000
MOST_MS = 7_000
"""A cue is read twice if it stays longer: longer speech is split, short pieces are joined up to this."""
EFFORT_PER_SECOND = 17 * NARROW
"""The reading speed of adults: 17 Latin characters a second, or 8 full-width ones."""
LATE_MS = 500
"""How much later than its speech a cue may begin, so that the one before can be read."""
PAUSE_MS = 700
"""Speech that is further apart is not joined in one cue."""
BLANKS = re.compile("[\t-\r ]+")


@dataclass(frozen=True, slots=True)
class Said:
    """What was said, or its translation, from `start_ms` to `end_ms` of the recording."""

    start_ms: float
    end_ms: float
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Cue:
    """One screen: at most two lines, in whole milliseconds of the recording."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Screen:
    """Parts of a text that fit on one screen, and when they are spoken; `of` numbers their speech."""

    start: int
    end: int
    parts: tuple[str, ...]
    of: int

    @property
    def reading_ms(self) -> int:
        return max(LEAST_MS, -(-sum(map(effort, self.parts)) * 1000 // EFFORT_PER_SECOND))


def cues(said: Iterable[Said]) -> list[Cue]:
    """The cues of all that was said, in its order; empty texts have none."""
    return list(_timed(_joined(list(_screens(said)))))


def _screens(said: Iterable[Said]) -> Iterator[_Screen]:
    """A long text becomes several screens that share its time by their length."""
    reached = 0
    for number, each in enumerate(said):
        text = BLANKS.sub(" ", each.text).strip(" ").replace("-->", "→")
        if not text:
            continue
        start = max(_whole(each.start_ms), reached)
        length = max(_whole(each.end_ms) - start, 1)
        shown = _dealt(parts(text, each.language), length)
        whole = sum(units(part) for share in shown for part in share)
        told, begin = 0, start
        for share in shown:
            told += sum(map(units, share))
            end = max(start + length * told // whole, begin + 1)
            yield _Screen(begin, end, tuple(share), number)
            begin = end
        reached = begin


def _dealt(broken: Sequence[str], length_ms: int) -> list[Sequence[str]]:
    """The fewest shares that fit on a screen; one that would stay for long is split if it fills a line."""
    whole = sum(map(units, broken))
    count = max(-(-whole // (2 * LINE + 2 * NARROW)), min(-(-length_ms // MOST_MS), whole // LINE), 1)
    while (shares := _shares(broken, count)) is None:
        count += 1
    return shares


def _shares(broken: Sequence[str], count: int) -> list[Sequence[str]] | None:
    """The parts in at most `count` shares of about the same length; None where one does not fit."""
    shares: list[Sequence[str]] = []
    begin, rest = 0, sum(map(units, broken))
    for left in range(count, 1, -1):
        if begin == len(broken):
            break
        window = broken[begin : begin + 2 * LINE // NARROW + 2]
        share = window[: best_cut(window, rest // left, _fitting(window))]
        shares.append(share)
        begin += len(share)
        rest -= sum(map(units, share))
    if begin < len(broken):
        if rest > 2 * LINE + 2 * NARROW or lines(broken[begin:]) is None:
            return None
        shares.append(broken[begin:])
    return shares


def _fitting(broken: Sequence[str]) -> int:
    """How many of the parts fit on one screen."""
    count = 1
    while count < len(broken) and lines(broken[: count + 1]) is not None:
        count += 1
    return count


def lines(broken: Sequence[str]) -> tuple[str, ...] | None:
    """One line, or two of about the same length, rather broken at a clause; None where they do not fit."""
    whole = "".join(broken).strip(" ")
    if units(whole) <= LINE:
        return (whole,)
    most, width = 0, 0
    for part in broken:
        if width + units(part.rstrip(" ")) > LINE:
            break
        width += units(part)
        most += 1
    least = next(
        (at for at in range(1, most + 1) if units("".join(broken[at:]).rstrip(" ")) <= LINE), most + 1
    )
    if least > most:
        return None
    head = sum(map(units, broken[: least - 1]))
    cut = least - 1 + best_cut(broken[least - 1 :], units(whole) // 2 - head, most - least + 1)
    return "".join(broken[:cut]).strip(" "), "".join(broken[cut:]).strip(" ")


def _joined(screens: Sequence[_Screen]) -> Iterator[_Screen]:
    """Screens of different speech become one where one of them cannot be read alone, or ends in a clause."""
    held: _Screen | None = None
    for index, screen in enumerate(screens):
        following = screens[index + 1].start if index + 1 < len(screens) else None
        if held is None:
            held = screen
        elif (both := _both(held, screen, following)) is not None:
            held = both
        else:
            yield held
            held = screen
    if held is not None:
        yield held


def _both(first: _Screen, second: _Screen, following: int | None) -> _Screen | None:
    """Both as one screen; None where they are better apart."""
    hasty = second.start - first.start < first.reading_ms
    hurried = following is not None and following - second.start < second.reading_ms
    unfinished = ENDS_CLAUSE.search(first.parts[-1]) is not None
    apart = second.start - first.end > PAUSE_MS or second.end - first.start > MOST_MS
    if first.of == second.of or apart or not (hasty or hurried or unfinished):
        return None
    *before, last = first.parts
    spaceless = IS_SPACELESS.match(last[-1]) and IS_SPACELESS.match(second.parts[0])
    together = (*before, last if spaceless else f"{last} ", *second.parts)
    return _Screen(first.start, second.end, together, second.of) if lines(together) else None


def _timed(screens: Sequence[_Screen] | Iterator[_Screen]) -> Iterator[Cue]:
    """A cue stays until it can be read, if what follows leaves it the time."""
    shown = list(screens)
    reached = 0
    for index, screen in enumerate(shown):
        start = max(screen.start, reached)
        spoken, read = screen.end, start + screen.reading_ms
        if index + 1 < len(shown):
            following = shown[index + 1].start
            spoken, read = min(spoken, following), min(read, following + LATE_MS)
        reached = max(spoken, read, start + LEAST_MS)
        yield Cue(start, reached, lines(screen.parts) or ())


def _whole(ms: float) -> int:
    return floor(ms + 0.5)
