"""Takes out what is there for the eye: Markdown, emoji, paths of addresses, characters nobody can see."""

# ruff: noqa: RUF001 - the marks of many scripts look alike, and that is the matter here

from __future__ import annotations

import html
import re
import unicodedata

from bridge.spoken.words import Words, either

LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\]\([^()\s]{0,500}\)")
TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
LINE_MARK = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]+|>+[ \t]*|[-*+•‣◦▪][ \t]+|`{3}\w*|[-*_=]{3,}[ \t]*$)", re.MULTILINE
)
LINE_END = re.compile(r"(?<=\w)[ \t]*\n\s*")
URL = re.compile(r"\bhttps?://(?:www\.)?([^\s/?#<>\"'()]{1,253})(?:[/?#][^\s<>\"()]{0,2000})?", re.IGNORECASE)
HOST = re.compile(r"\bwww\.([\w.-]{1,250}\w)(?:[/?#][^\s<>\"()]{0,2000})?", re.IGNORECASE)
NAME = re.compile(r"\b[A-Za-z](?:[\w-]{0,60}\w)?(?:\.[a-z](?:[\w-]{0,60}\w)?){0,5}\.[a-z]{2,10}\b(?!\.\w)")
TOP = re.compile(
    "com|org|net|edu|gov|info|io|dev|app|ai|es|de|fr|it|pt|nl|uk|eu|cat|br|ru|pl|mx|ar|us|ch|at|be|tv"
)
MAIL = re.compile(r"\b([\w.+-]{1,64})@((?:[\w-]{1,63}\.){1,6}[A-Za-z]{2,12})\b")
STARS = re.compile(r"(?<![\w*])[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}(?![\w*])|[*`|\\]{2,}|~~")
BETWEEN_WORDS = re.compile(r"(?<=[^\W\d_])/(?=[^\W\d_])")
PRODUCT = re.compile(r"(?<=\d)\s*[*×x]\s*(?=\d)")
HASH = re.compile(r"(?<!\w)#(?=\d)")
TAGGED = re.compile(r"(?<!\w)[#@](?=\w)")
STRAY_JOINERS = re.compile(
    "(?<![\u0590-\u0fff])[\u200c\u200d]+|[\u200c\u200d]+(?![\u0590-\u0fff])|(?<=[\u200c\u200d])[\u200c\u200d]"
)
EMOTICON = re.compile(r"(?<!\w)(?:[:;=]['’]?-?[()DPpOo/|*]|<3|\^_*\^|[xX]D)(?!\w)")
REPEATED_MARK = re.compile("[!?,;:]{2,}")
REPEATED_LETTER = re.compile(r"([^\W\d_])\1{3,}")
ENDLESS_WORD = re.compile(r"[!-~\u00a1-\u058f]{80,}")
SPACE_BEFORE = re.compile(r"\s+(?=[,;:.!?…](?:\s|\Z))")
LONELY = re.compile(r"(?:\A|(?<=\s))(?:[,;:.…/-]+|[–—]{2,})(?=\s|\Z)")
LOUD_WORD = re.compile(r"[^\W\d_]{2,}")

MANY = 4
"""Words that are no row of acronyms, and letters of a word that is none."""
WORTH = frozenset("+<=>±×÷−≤≥≈√~°№%")
"""Signs that are said."""
ARABIC = {"٫": ".", "٬": ",", "٪": "%"}
FOLDED = re.compile(
    "[\u2080-\u2089\u2100-\u214f\u2460-\u24ff\u3300-\u33ff\ufb00-\ufb06\uff01-\uff5e\U0001d400-\U0001d7ff]"
)
"""Letters and digits in another dress: ℃ ① ㎏ ａ ﬁ."""


def plain(text: str, words: Words) -> str:
    """`text` without Markdown, tags and emoji, with addresses as they are said."""
    text = LINK.sub(r"\1", html.unescape(text).replace("\r", "\n"))
    text = EMOTICON.sub(" ", TAG.sub(" ", LINE_MARK.sub("", text)))
    text = LINE_END.sub(", ", text)
    text = _folded(text)
    text = MAIL.sub(lambda match: _mail(match, words), HOST.sub(r"\1", URL.sub(r"\1", text)))
    text = NAME.sub(lambda match: _name(match, words), text)
    text = PRODUCT.sub(" × ", text)
    text = STARS.sub("", text)
    return ENDLESS_WORD.sub(" ", TAGGED.sub("", HASH.sub("№ ", text)))


def short(text: str, words: Words) -> str:
    """`text` with frequent abbreviations at full length, since voices pause at their points."""
    if not words.short:
        return text
    found = re.compile(rf"(?<!\w)(?<![A-Z]\. )(?:{either(words.short)})(?=\s)(?!\s*\Z)")
    return found.sub(lambda match: words.short[match[0]], text)


def signs(text: str, words: Words) -> str:
    """The signs that the language has words for as these words, others that no voice reads left out."""
    if words.signs:
        found = re.compile(rf"\s*({either(words.signs)})\s*")
        text = found.sub(lambda match: f" {words.signs[match[1]]} ", text)
    return "".join(_seen(character) for character in BETWEEN_WORDS.sub(" ", text))


def tidy(text: str) -> str:
    """`text` without lone marks, with what was shouted in a usual voice."""
    text = REPEATED_MARK.sub(lambda match: max(match[0], key=",;:!?".index), text)
    text = REPEATED_LETTER.sub(r"\1\1\1", LONELY.sub("", SPACE_BEFORE.sub("", text)))
    text = " ".join(text.split())
    return _calm(text) if any(character.isalnum() for character in text) else ""


def _calm(text: str) -> str:
    """Words in capitals are read letter by letter by some voices: whole sentences of them become small."""
    loud = LOUD_WORD.findall(text)
    shouted = len(loud) >= MANY or (len(loud) > 1 and max(map(len, loud)) >= MANY)
    return text.lower().capitalize() if shouted and text.upper() == text else text


def _folded(text: str) -> str:
    return "".join(map(_fold, STRAY_JOINERS.sub("", text)))


def _fold(character: str) -> str:
    if character.isascii():
        return character
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    if character in ARABIC:
        return ARABIC[character]
    if not FOLDED.match(character):
        return character
    folded = unicodedata.normalize("NFKC", character)
    return folded if character not in "№™" and (folded[-1:].isalnum() or folded in ".%$+=@#*_") else character


def _seen(character: str) -> str:
    if character.isascii() or character in WORTH or character in "\u200c\u200d":
        return " " if character in "*_`|\\^{}[]" else character
    category = unicodedata.category(character)
    if category in ("So", "Sm", "Sk", "Co", "Cn", "Cc", "Cs"):
        return " "
    return "" if category == "Cf" or "\ufe00" <= character <= "\ufe0f" or character == "\u20e3" else character


def _mail(match: re.Match[str], words: Words) -> str:
    if not words.at:
        return match[0]
    return f"{_dotted(match[1], words)} {words.at} {_dotted(match[2], words)}"


def _name(match: re.Match[str], words: Words) -> str:
    known = TOP.fullmatch(match[0].rpartition(".")[2])
    return _dotted(match[0], words) if known and words.dot else match[0]


def _dotted(text: str, words: Words) -> str:
    return re.sub(r"[_-]+", " ", text.replace(".", f" {words.dot} "))
