"""Reads numbers as the target writes them: groups, decimals, signs before and behind, ordinals, years."""

# ruff: noqa: RUF001 - the dashes and minus signs are the matter here

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from decimal import Decimal

from bridge.spoken.words import Words

NUMBER = r"(?:\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?:[.,]\d+)?(?![\d'’])|\d+(?:[.,]\d+)*)"
START = r"(?<![\w.,])"
SIGNED = re.compile(rf"(?<![\w.,)–—-])([-−])?({NUMBER})(\s?%)?(?![\w]|[.,]\d)")
RANGE = re.compile(rf"{START}(?<!-)(\d{{1,4}})(\s?[–—]\s?|-)(\d{{1,4}})(?![\w–—-]|[.,]\d)")
TELEPHONE = re.compile(r"(?<!\w)\+\d[\d ()/-]{6,24}\d(?!\w)")
YEAR = re.compile(r"(?<![\w.,:/-])(1[5-9]\d\d)(s?)(?![\w:/-]|[.,]\d)")
ROMAN = re.compile(r"(?<=[^\W\d_] )(?=[IVX]{2})(X{0,3}(?:IX|IV|V?I{0,3}))(?<=[IVX])(?=e?\b)")
ROMAN_DIGITS = {"I": 1, "V": 5, "X": 10}

SQUARE = re.compile("(?<=[^\\W_])[²³](?![⁰¹²³⁴-⁹])")
RAISED = re.compile(r"(?<=[^\W_])[⁰¹²³⁴-⁹]+")
LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")

YEARS_OF_HUNDREDS = ("de", "en", "nl")
"""Languages that read 1990 as "nineteen ninety"."""
DECIMALS = frozenset(("cs", "da", "fi", "hu", "no", "pl", "ro", "ru", "sv", "uk"))
"""Languages without words of their own here whose decimals num2words reads well."""
WITH_POINT = frozenset(
    "am bn cy fil ga gu he hi ja kn ko ml mr ms mt my ne pa si sw ta te th tl ur yue zh".split()  # noqa: SIM905
)
"""Languages without words of their own here that write 3.5 and not 3,5."""
LONGEST, LONGEST_CODE = 12, 40
"""Digits of a number that is read as one; a longer one is read digit by digit, one longer still left out."""

ORDINALS = {
    "ca": re.compile(r"\b(\d{1,4})\.?(º|ª|r|n|t|è|a)(?!\w)"),
    "de": re.compile(
        r"(?:\b(?P<before>[Aa]m|[Vv]om|[Zz]um|[Ii]m|[Bb]eim|[Dd]e[rmns]|[Dd]ie|[Dd]as|[Ee]ine[mrs]?)\s+)?"
        r"\b(?P<number>\d{1,2})\.(?=\s+(?P<after>[A-ZÄÖÜ][a-zäöü]+))"
    ),
    "en": re.compile(r"\b(\d{1,4})(st|nd|rd|th)\b"),
    "es": re.compile(r"\b(\d{1,4})\.?(º|ª|er)(?!\w)"),
    "fr": re.compile(r"\b(\d{1,4})(er|re|ère|e|ème|eme|nde?)\b"),
    "it": re.compile(r"\b(\d{1,4})\.?(º|ª)"),
    "nl": re.compile(r"\b(\d{1,4})(ste|de|e)\b"),
    "pt": re.compile(r"\b(\d{1,4})\.?(º|ª)"),
}
FEMININE = ("ª", "a", "re", "ère", "nde")


@dataclass(frozen=True, slots=True)
class Value:
    """A number as digits, whatever marks it was written with."""

    whole: str
    decimals: str = ""

    @property
    def one(self) -> bool:
        return self.whole == "1" and not self.decimals.strip("0")


def value(text: str, words: Words) -> Value | None:
    """The number written as `text`; None for what is none (a version, a date) or may be read in two ways."""
    digits = re.sub(r"[ \u00a0\u202f'’]", "", text)
    marks = re.findall("[.,]", digits)
    parts = re.split("[.,]", digits)
    grouped = all(len(part) == 3 for part in parts[1:]) and 1 <= len(parts[0]) <= 3 and parts[0] != "0"
    if not marks:
        return Value(digits)
    if len(set(marks)) == 1 and len(marks) > 1:
        return Value("".join(parts)) if grouped else None
    if len(marks) > 1:
        last_alone = marks.count(marks[-1]) == 1 and all(len(part) == 3 for part in parts[1:-1])
        return Value("".join(parts[:-1]), parts[-1]) if last_alone else None
    if not grouped or marks[0] == words.decimal:
        return Value(*parts)
    return Value("".join(parts)) if words.decimal else None


def said(number: Value, words: Words) -> str:
    """The number in digits and, where it has decimals, in the words between them."""
    if not number.decimals:
        return _whole(number.whole)
    if words.point:
        decimals = number.decimals
        together = words.pairs and len(decimals) <= 2 and not decimals.startswith("0")
        return (
            f"{_whole(number.whole)} {words.point} {decimals if together else ' '.join(decimals[:LONGEST])}"
        )
    exact = f"{number.whole[:LONGEST]}.{number.decimals[:LONGEST]}"
    spelled = in_words(Decimal(exact), words.language, "cardinal") if words.language in DECIMALS else None
    return spelled or (exact if words.language in WITH_POINT else exact.replace(".", ","))


def plain(text: str, words: Words) -> str:
    """`text` with the numbers that stand for themselves as they are said."""
    text = TELEPHONE.sub(lambda match: _telephone(match[0], words), text)
    if words.range:
        text = RANGE.sub(lambda match: _range(match, words), text)
    if words.language in YEARS_OF_HUNDREDS:
        text = YEAR.sub(lambda match: _year(match, words.language), text)
    text = SIGNED.sub(lambda match: _signed(match, words), text)
    return text.replace("%", f" {words.percent} ") if words.percent else text


def ordinals(text: str, words: Words) -> str:
    """`text` with ordinals ("1st", "3. Mai", "2.ª", "XIXe") and Roman numerals as they are said."""
    if words.point:
        text = ROMAN.sub(lambda match: str(_roman(match[1])), text)
    pattern = ORDINALS.get(words.language)
    if pattern is None:
        return text
    if words.language == "de":
        return pattern.sub(lambda match: _german(match, words), text)
    return pattern.sub(lambda match: _ordinal(match, words.language), text)


def in_words(number: int | Decimal, language: str, to: str) -> str | None:
    """What num2words makes of it; None where it fails, as it does for some kinds in some languages."""
    try:
        return str(_converter()(number, lang=language, to=to))
    except Exception:  # each of its languages raises what it likes
        return None


@functools.cache
def _converter():  # type: ignore[no-untyped-def]
    # 30 ms, which only a worker pays that meets an ordinal.
    from num2words import num2words

    return num2words


def powers(text: str, words: Words) -> str:
    """`text` with raised digits as they are said: as a power, or as digits behind a word or number."""
    if words.power:
        text = SQUARE.sub(lambda match: f" {words.powers['²³'.index(match[0])]} ", text)
    return RAISED.sub(lambda match: f" {words.power} {match[0].translate(LOWERED)} ", text)


def _whole(digits: str) -> str:
    if len(digits) <= LONGEST:
        return digits
    return " ".join(digits) if len(digits) <= LONGEST_CODE else ""


def _signed(match: re.Match[str], words: Words) -> str:
    minus, number, percent = match.groups()
    known = value(number, words)
    if known is not None and known.decimals and not words.point and words.language not in DECIMALS:
        return f"{minus or ''}{known.whole}{number[-len(known.decimals) - 1 :]}{percent or ''}"
    if known is None:
        dotted = f" {words.dot} ".join(number.split(".")) if words.dot and "," not in number else number
        return f"{minus or ''}{dotted}{percent or ''}"
    before = f"{words.minus} " if minus and words.minus else minus or ""
    behind = f" {words.percent}" if percent and words.percent else percent or ""
    return f"{before}{said(known, words)}{behind}"


def _range(match: re.Match[str], words: Words) -> str:
    first, dash, last = match.groups()
    if dash == "-" and (len(first) != len(last) or int(first) >= int(last)):
        return match[0]
    return f"{first} {words.range} {last}"


def _year(match: re.Match[str], language: str) -> str:
    found = in_words(int(match[1]), language, "year")
    if not found or not match[2]:
        return (found or match[1]) + match[2]
    return f"{found[:-1]}ies" if found.endswith("y") else f"{found}s"


def _telephone(text: str, words: Words) -> str:
    groups = re.findall(r"\d+", text)
    return ", ".join([f"+{groups[0]}", *(" ".join(group) for group in groups[1:])])


def _roman(numeral: str) -> int:
    values = [ROMAN_DIGITS[letter] for letter in numeral]
    after = [*values[1:], 0]
    return sum(-one if one < next_ else one for one, next_ in zip(values, after, strict=True))


def _ordinal(match: re.Match[str], language: str) -> str:
    number, ending = int(match[1]), match[2]
    found = in_words(number, language, "ordinal")
    if found is None:
        return match[0]
    if ending in FEMININE:
        return _feminine(found, language)
    if language == "es" and (ending == "er" or match.string[match.end() :][1:2].islower()):
        return re.sub(r"(primer|tercer)o$", r"\1", found)
    return found


def _feminine(ordinal: str, language: str) -> str:
    if language == "fr":
        return "première" if ordinal == "premier" else ordinal
    if language == "ca":
        return f"{ordinal[:-1]}ena" if ordinal.endswith("è") else f"{ordinal}a"
    return re.sub(r"o\b", "a", ordinal)


def _german(match: re.Match[str], words: Words) -> str:
    before, month = match["before"], match["after"] in words.months
    found = in_words(int(match["number"]), "de", "ordinal")
    if not (before or month) or found is None:
        return match[0]
    weak = before and before.lower() not in ("der", "die", "das", "eine")
    ending = "n" if weak else "" if before else "r"
    return f"{before or ''} {found}{ending}".lstrip()
