"""Tells a translation from what a neural decoder makes when it fails, by the tokens alone.

Users of NLLB-600M met loops (one phrase 30 times), cut ends and lost content. A decoder says nothing
of the kind by itself: its scores for a loop are the best it ever gives.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

UNKNOWN = "<unk>"

PIECE = re.compile(
    r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]|[^\s\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]{1,4}"
)
"""For engines that show no tokens: a character of Chinese, Japanese or Korean, four of others."""

LONGEST_UNIT = 24
"""Tokens of the longest phrase whose repetition is looked for."""

LOOP = 4
"""Times in a row from which a phrase is a loop, where the source does not repeat itself as often."""

RATIO, SLACK = 3, 10
"""A translation has at most RATIO times the tokens of its source and SLACK more, and the other way round.

The token counts of one sentence in NLLB's languages differ by less than a factor of 2, since one
vocabulary was trained on all of them; SLACK lets short sentences differ more.
"""


class Doubt(StrEnum):
    """What is wrong with a translation.

    `endless` and `cut` reached the limit, far beyond the length of the source or not; `lost` is so
    short that part of the source must be missing; `long` ended, but says too much.
    """

    EMPTY = "empty"
    LOOP = "loop"
    ENDLESS = "endless"
    CUT = "cut"
    LOST = "lost"
    LONG = "long"


def doubt(source: Sequence[str], made: Sequence[str], *, finished: bool) -> Doubt | None:
    """What is wrong with the tokens `made` of `source`, None if nothing; `finished` as the decoder says."""
    if not any(token != UNKNOWN and any(map(str.isalnum, token)) for token in made):
        return Doubt.EMPTY
    times = repetitions(made)
    if times >= LOOP and times > repetitions(source) + 1:
        return Doubt.LOOP
    long = len(made) > RATIO * len(source) + SLACK
    if not finished:
        return Doubt.ENDLESS if long else Doubt.CUT
    if len(source) > RATIO * len(made) + SLACK:
        return Doubt.LOST
    return Doubt.LONG if long else None


def spelled(text: str) -> list[str]:
    """What stands for the tokens of a text from an engine that shows none."""
    return PIECE.findall(text)


def repetitions(tokens: Sequence[str]) -> int:
    """How often at most a phrase of 1 to LONGEST_UNIT tokens follows itself; 1 where none does.

    Only phrases with a letter count: 1 000 000 000 repeats its zeros rightly.
    """
    most = 1
    for length in range(1, min(LONGEST_UNIT, len(tokens) // 2) + 1):
        same = 0
        for index in range(length, len(tokens)):
            same = same + 1 if tokens[index] == tokens[index - length] else 0
            if same // length >= most and any(map(_wordy, tokens[index - length : index])):
                most = same // length + 1
    return most


def _wordy(token: str) -> bool:
    return token != UNKNOWN and any(map(str.isalpha, token))
