"""Leaves out letters of scripts that a language is not written in, since voices name each of them."""

from __future__ import annotations

import functools
import re
import unicodedata

from bridge import languages
from bridge.errors import LanguageError

SCRIPTS = {
    "Arab": "ARABIC",
    "Armn": "ARMENIAN",
    "Beng": "BENGALI",
    "Cyrl": "CYRILLIC",
    "Deva": "DEVANAGARI",
    "Ethi": "ETHIOPIC",
    "Geor": "GEORGIAN",
    "Grek": "GREEK",
    "Gujr": "GUJARATI",
    "Guru": "GURMUKHI",
    "Hang": "HANGUL CJK",
    "Hans": "CJK BOPOMOFO",
    "Hant": "CJK BOPOMOFO",
    "Hebr": "HEBREW",
    "Jpan": "CJK HIRAGANA KATAKANA KATAKANA-HIRAGANA",
    "Khmr": "KHMER",
    "Knda": "KANNADA",
    "Laoo": "LAO",
    "Mlym": "MALAYALAM",
    "Mymr": "MYANMAR",
    "Orya": "ORIYA",
    "Sinh": "SINHALA",
    "Taml": "TAMIL",
    "Telu": "TELUGU",
    "Thai": "THAI",
    "Tibt": "TIBETAN",
}
"""By script, how the Unicode names of its letters begin."""

LETTER = r"[^\W\d_\x00-\u024f\u2070-\u209f\u2150-\u218f]"
FOREIGN = re.compile(rf"{LETTER}(?:{LETTER}|[\u0300-\u036f\u0590-\u0fff\u200c\u200d])*")


def own_script(text: str, language: str) -> str:
    """`text` without words in other scripts than the language's and Latin, which all voices read.

    A Greek letter that stands alone stays: it is a sign of science.
    """
    if text.isascii():
        return text
    own = _own(language)
    return FOREIGN.sub(lambda match: match[0] if _belongs(match[0], own) else " ", text)


def _belongs(word: str, own: frozenset[str]) -> bool:
    script = _script(word[0])
    return script in own or (script == "GREEK" and len(word) == 1)


@functools.lru_cache(4096)
def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


@functools.lru_cache(256)
def _own(language: str) -> frozenset[str]:
    try:
        written = (languages.find(language).nllb or "")[-4:]
    except LanguageError:
        written = ""
    return frozenset(("LATIN", "MODIFIER", *SCRIPTS.get(written, "").split()))
