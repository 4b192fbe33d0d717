"""Where a line of a subtitle may end, and how wide it is.

The web client has the same rule in gateway/web/session/breaks.js; tests/data/cue_vectors.json holds both
to it.
"""

# ruff: noqa: RUF001 - the marks of many scripts look alike, and that is the matter here

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import budoux

NARROW = 10
WIDE = 21
LINE = 42 * NARROW
"""The widest line, in tenths of a Latin character: 42 of them or 20 full-width ones, by common guides.

Of scripts without spaces (Thai, Lao, Khmer, Burmese, Tibetan) it is 20 characters as well.
"""

SPACELESS = "\u0e00-\u109f\u1780-\u17ff\u19e0-\u19ff"
HANGUL = "\u1100-\u115f\u3130-\u318f\ua960-\ua97c\uac00-\ud7a3"
IDEOGRAPHS = (
    "\u2e80-\u303e\u3041-\u312f\u3190-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uf900-\ufaff\ufe30-\ufe6f"
    "\uff00-\uff60\uffe0-\uffe6\U00020000-\U0003fffd"
)
IS_WIDE = re.compile(f"[{SPACELESS}{HANGUL}{IDEOGRAPHS}]")
IS_FULL = re.compile(f"[{HANGUL}{IDEOGRAPHS}]")
IS_SPACELESS = re.compile(f"[{SPACELESS}{IDEOGRAPHS}]")

CLOSING = re.compile(
    r"[!%),.:;?\]}…’”»›‰°′″℃‼⁇⁈⁉"
    r"、。〃〉》」』】〕〗〙〛〞〟〜・ヽヾー゛゜ゝゞ々〻ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰ-ㇿ"
    r"！％），．：；？］｝～｡｣､･"
    r"\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eaf\u0eb0\u0eb2\u0eb3\u0ec6\u0f0b-\u0f14\u104a-\u104f\u17d4-\u17da"
    r"\u0300-\u036f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u0f18\u0f19\u0f71-\u0fbc"
    r"\u102b-\u103e\u1056-\u1060\u17b4-\u17d3\u3099\u309a\ufe00-\ufe0f\u200d]"
)
"""What no line begins with: closing punctuation, small kana, and marks that belong to the letter before."""
OPENING = re.compile(r"[(\[{«‹“‘„‚¿¡〈《「『【〔〖〘〚〝（［｛｢￥＄\u0e40-\u0e44\u0ec0-\u0ec4\u17d2\u200d]")
"""What no line ends with: opening punctuation, and vowels that are written before their consonant."""
LONE_DASH = re.compile(r"[-–—]+ ?\Z")

WORDS = re.compile(r"[^ ]+ ?")
TRADITIONAL = {"hant", "tw", "hk", "mo"}


def units(text: str) -> int:
    """How wide `text` is, in tenths of a Latin character."""
    return NARROW * len(text) + (WIDE - NARROW) * len(IS_WIDE.findall(text))


def effort(text: str) -> int:
    """How much there is to read, in tenths of a Latin character: a full-width one says as much as two."""
    return NARROW * len(text) + (WIDE - NARROW) * len(IS_FULL.findall(text))


def parts(text: str, language: str) -> list[str]:
    """What `text`, which has single spaces, may be broken into; joined it is the same again.

    No part is wider than a line. Words of scripts without spaces are found by BudouX, where it knows
    the language; else they break anywhere but at punctuation and within a letter.
    """
    found: list[str] = []
    for word in WORDS.findall(text):
        for index, piece in enumerate(_pieces(word, _model(language))):
            if found and index == 0 and _belongs(found[-1], piece):
                found[-1] += piece
            else:
                found.append(piece)
    return [fitting for part in found for fitting in _fitting(part)]


def may_break(before: str, after: str) -> bool:
    """Whether a line may end between two characters of one word."""
    return not CLOSING.match(after) and not OPENING.match(before)


def _belongs(before: str, after: str) -> bool:
    """Whether what stands behind a space may not begin a line, or what stands before it end one."""
    return not may_break(before.rstrip(" ")[-1:], after[0]) or bool(LONE_DASH.match(after))


def _pieces(word: str, parser: budoux.Parser | None) -> Iterator[str]:
    """A word, in as many pieces as a script without spaces has words in it."""
    if not IS_SPACELESS.search(word):
        yield word
        return
    start = at = 0
    for chunk in parser.parse(word) if parser else word:
        if at > start and _between(word[at - 1], word[at]):
            yield word[start:at]
            start = at
        at += len(chunk)
    yield word[start:]


def _between(before: str, after: str) -> bool:
    spaceless = IS_SPACELESS.match(before) or IS_SPACELESS.match(after)
    return bool(spaceless) and after != " " and may_break(before, after)


def _fitting(part: str) -> Iterator[str]:
    """A part, cut where it is wider than a line, if possible not before closing punctuation."""
    while units(part.rstrip(" ")) > LINE:
        most = 1
        while units(part[: most + 1]) <= LINE:
            most += 1
        cut = next((at for at in range(most, 0, -1) if may_break(part[at - 1], part[at])), most)
        yield part[:cut]
        part = part[cut:]
    yield part


def model_of(language: str) -> str | None:
    """The name of the model that finds words of a language, by its tag; None where there is none."""
    base, *subtags = language.lower().split("-")
    if base in ("zh", "cmn", "yue"):
        return "zh-hant" if base == "yue" or TRADITIONAL.intersection(subtags) else "zh-hans"
    return base if base in ("ja", "th") else None


def _model(language: str) -> budoux.Parser | None:
    name = model_of(language)
    return _parser(name) if name else None


@cache
def _parser(name: str) -> budoux.Parser | None:
    """None where the library is not installed: then lines break between any two characters."""
    try:
        import budoux
    except ImportError:
        return None
    return budoux.Parser(json.loads(files("budoux").joinpath("models", f"{name}.json").read_text("utf-8")))


ENDS_SENTENCE = re.compile(r"[.!?…。．！？؟۔।॥။።][\"'’”»)\]」』）》】]* ?\Z")
ENDS_CLAUSE = re.compile(r"[,;:–—、，；：،؛၊][\"'’”»)\]」』）》】]* ?\Z")


def best_cut(broken: Sequence[str], ideal: int, most: int) -> int:
    """How many of the parts to take for about `ideal` units: rather up to the end of a clause.

    At least 1, at most `most`.
    """
    best, least, width = 1, None, 0
    for count, part in enumerate(broken[:most], start=1):
        width += units(part)
        cost = abs(width - ideal)
        if ENDS_SENTENCE.search(part):
            cost -= ideal * 3 // 10
        elif ENDS_CLAUSE.search(part):
            cost -= ideal * 2 // 10
        if least is None or cost < least:
            best, least = count, cost
    return best
