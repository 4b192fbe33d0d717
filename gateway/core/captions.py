"""What is shown of speech that goes on: the newest hypothesis, of which the part that two agreed on stays.

A recogniser that hears more of a sentence changes its mind about the last words, seldom about the first ones.
What two hypotheses in a row have in common is stable: it is never changed any more, whatever comes later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.captions.breaks import IDEOGRAPHS, SPACELESS
from bridge.types import Event, Stage

_WORD = re.compile(rf"[{SPACELESS}{IDEOGRAPHS}]|[^\s{SPACELESS}{IDEOGRAPHS}]+")
_TAIL = re.compile(r"[\W_]+\Z")
_BAND = 8
"""Words by which two hypotheses of the same speech may be shifted against each other."""


@dataclass(frozen=True, slots=True)
class Caption:
    """`text` is shown; its first `stable` characters stay. `index` counts the hypotheses of a segment.

    `heard`: it is a hypothesis as it was, not one that had to be joined to what was stable before.
    """

    text: str = ""
    stable: int = 0
    index: int = -1
    heard: bool = True

    def then(self, index: int, hypothesis: str) -> Caption:
        """What is shown after another hypothesis."""
        kept = self.text[: self.stable]
        text = hypothesis if hypothesis.startswith(kept) else _joined(kept, hypothesis)
        stable = max(self.stable, _agreed(self.text, text))
        return Caption(text, stable, index, text == hypothesis)


class Captions:
    """Of one speaker's segment that goes on: its transcript, and its translations by target."""

    def __init__(self) -> None:
        self._segment = -1
        self._shown: dict[tuple[Stage, str | None], Caption] = {}

    def fold(self, event: Event) -> Caption | None:
        """What is shown after a partial event; None for one that came too late."""
        if event.segment < self._segment:
            return None
        if event.segment > self._segment:
            self._segment = event.segment
            self._shown.clear()
        key = (event.stage, event.target)
        before = self._shown.get(key, Caption())
        if event.index <= before.index:
            return None
        found = self._shown[key] = before.then(event.index, event.text)
        return found


def _ends(text: str) -> Iterator[int]:
    """Where the words of `text` end, without the marks behind them."""
    for word in _WORD.finditer(text):
        if core := _TAIL.sub("", word[0]):
            yield word.start() + len(core)


def _agreed(one: str, other: str) -> int:
    """Characters of the words that both begin with; the last word may be one that is half said."""
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    most = min(len(one), len(other)) if same is None else same
    ends = set(_ends(one))
    return max((end for end in list(_ends(other))[:-1] if end <= most and end in ends), default=0)


def _joined(kept: str, hypothesis: str) -> str:
    """`kept` with that of a hypothesis which begins otherwise, from where the same was said."""
    words = list(_WORD.finditer(hypothesis))
    said = _heard_by(_plain(_WORD.findall(kept)), _plain([word[0] for word in words]))
    if said >= len(words):
        return kept
    rest = hypothesis[words[said].start() :]
    joint = kept[-1:] + rest[0]
    spaced = not re.search(rf"[\s{SPACELESS}{IDEOGRAPHS}]", joint)
    return f"{kept} {rest}" if spaced else kept + rest


def _plain(words: Sequence[str]) -> list[str]:
    return [_TAIL.sub("", word).casefold() for word in words]


def _heard_by(kept: Sequence[str], words: Sequence[str]) -> int:
    """How many of `words` say the same as all that is `kept`: the fewest words apart, as many as were kept
    where that leaves a choice."""
    row = {n: n for n in range(min(_BAND, len(words)) + 1)}
    for place, word in enumerate(kept, 1):
        before, row = row, {}
        for n in range(max(0, place - _BAND), min(place + _BAND, len(words)) + 1):
            costs = [before[n] + 1] if n in before else []
            if n - 1 in row:
                costs.append(row[n - 1] + 1)
            if n - 1 in before:
                costs.append(before[n - 1] + (words[n - 1] != word))
            row[n] = min(costs, default=len(kept) + len(words))
    return min(row, key=lambda n: (row[n], abs(n - len(kept))), default=len(words))
