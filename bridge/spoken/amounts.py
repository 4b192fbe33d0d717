"""Reads what a number belongs to: dates, times, money, fractions and units."""

# ruff: noqa: RUF001 - apostrophes and minus signs are the matter here

from __future__ import annotations

import functools
import re

from bridge.spoken.numbers import NUMBER, Value, in_words, said, value
from bridge.spoken.words import Forms, Words, either

ISO = re.compile(r"(?<![\w-])(\d{4})-(\d{2})-(\d{2})(?![\w-])")
POINTS = re.compile(r"(?<![\w.])(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})(?!\w|\.\d)")
SLASHES = re.compile(r"(?<![\w/])(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?![\w/])")
TIME = re.compile(
    r"(?<![\w:.,/])([01]?\d|2[0-4])(?::([0-5]\d)(?::([0-5]\d))?| ?h ?([0-5]\d))(?![\d:]|[.,]\d)"
    r"(?P<behind> ?(?:Uhr|uur|heures?|h)\b)?(?P<half> ?[ap]\.? ?m\b\.?)?(?!\w)",
    re.IGNORECASE,
)
PARTS = {"1/2": "½", "1/4": "¼", "3/4": "¾", "1/3": "⅓", "2/3": "⅔"}
PART = re.compile(r"(?<![\w/.,])(1/2|1/4|3/4|1/3|2/3)(?![\d_/]|[.,]\d)")
FRACTION = re.compile(r"(?:(?<![\w.,])(\d{1,6})\s?)?([½¼¾⅓⅔])")
DECADE = re.compile(r"\d{4}s")
IN_TENTHS = {"½": "5", "¼": "25", "¾": "75"}
WITH_HUNDREDTHS = 2
MONTHS = 12


def dates(text: str, words: Words) -> str:
    """`text` with dates in figures as they are said; without words for months their numbers are."""
    text = ISO.sub(lambda match: _date(match, int(match[3]), int(match[2]), int(match[1]), words), text)
    text = POINTS.sub(lambda match: _date(match, int(match[1]), int(match[2]), int(match[3]), words), text)
    return SLASHES.sub(lambda match: _slashes(match, words), text)


def times(text: str, words: Words) -> str:
    """`text` with times of day such as 14:30 and 9h05 as they are said."""
    return TIME.sub(lambda match: _time(match, words), text) if words.time else text


def money(text: str, words: Words) -> str:
    """`text` with amounts of money as they are said: the number first, hundredths last."""
    if not words.money:
        return text
    before, behind = _money(either(words.money), either(words.large))
    text = before.sub(lambda match: _amount(match, words), text)
    return behind.sub(lambda match: _amount(match, words), text)


def fractions(text: str, words: Words) -> str:
    """`text` with ½ and its like, also behind a number and written as 1/2, as they are said."""
    return FRACTION.sub(lambda match: _fraction(match, words), PART.sub(lambda match: PARTS[match[1]], text))


def units(text: str, words: Words) -> str:
    """`text` with units behind numbers as words."""
    if not words.units:
        return text
    phrases = [form for forms in words.fractions.values() for form in forms]
    return _units(either(phrases), either(words.units)).sub(lambda match: _unit(match, words), text)


@functools.cache
def _money(symbols: str, large: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    number = rf"(?P<number>{NUMBER})(?: ?(?P<large>{large})\b\.?)?"
    return (
        re.compile(rf"(?<![\w$])(?P<minus>[-−])?(?P<symbol>{symbols})\s?{number}(?![\w]|[.,]\d)"),
        re.compile(rf"(?<![\w.,])(?P<minus>[-−])?{number}\s?(?P<symbol>{symbols})(?!\w)"),
    )


@functools.cache
def _units(fractions: str, symbols: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?:(?<![\w.,])([-−])?({NUMBER})|\b({fractions}))\s{{0,2}}({symbols})(?![\w²³/°])(?!['’]\w)"
    )


def _date(match: re.Match[str], day: int, month: int, year: int, words: Words) -> str:
    if not (1 <= day <= 31 and 1 <= month <= MONTHS):
        return match[0]
    if not words.months:
        return re.sub("[-/.] ?", " ", match[0])
    first = "1er" if day == 1 and words.language == "fr" else day
    spelled = in_words(year, "en", "year") if words.language == "en" else year
    return words.date.format(d=first, m=words.months[month - 1], y=spelled)


def _slashes(match: re.Match[str], words: Words) -> str:
    first, second, year = (int(part) for part in match.groups())
    month_first = first <= MONTHS if words.order == "mdy" else second > MONTHS
    if month_first:
        first, second = second, first
    return _date(match, first, second, year + 2000 if len(match[3]) == 2 else year, words)


def _time(match: re.Match[str], words: Words) -> str:
    hour, minute, second = match[1].lstrip("0") or "0", match[2] or match[4], match[3]
    half = f" {match['half'].strip()}" if match["half"] else ""
    minutes = minute if words.language != "en" or minute >= "10" else f"oh {minute[1]}"
    minutes = minutes if words.language == "en" else str(int(minute))
    if second:
        return f"{hour} {minutes} {int(second)}{half}"
    if minute == "00":
        return f"{hour}{half}" if half else words.hour.format(h=hour)
    return words.time.format(h=hour, m=minutes) + half


def _amount(match: re.Match[str], words: Words) -> str:
    number, forms = value(match["number"], words), words.money[match["symbol"]]
    minus = f"{words.minus} " if match["minus"] else ""
    if number is None:
        return match[0]
    if large := match["large"]:
        of = _of(words, forms[1]) if large != words.large[0] else ""
        return f"{minus}{said(number, words)} {large} {of}{forms[1]}"
    if len(number.decimals) == WITH_HUNDREDTHS:
        whole = Value(number.whole)
        cents = int(number.decimals)
        parts = [minus + _counted(whole, forms, words)]
        if cents:
            parts.append(words.cents.format(c=cents))
        return " ".join(parts)
    return minus + _counted(number, forms, words)


def _of(words: Words, noun: str) -> str:
    if words.language == "fr" and noun[0] in "aeiouy":
        return "d'"
    return f"{words.of} " if words.of else ""


def _counted(number: Value, forms: tuple[str, str], words: Words) -> str:
    return forms[0] if number.one else f"{said(number, words)} {forms[1]}"


def _fraction(match: re.Match[str], words: Words) -> str:
    whole, sign = match.groups()
    if sign in words.fractions:
        alone, behind = words.fractions[sign]
        return f"{whole} {behind}" if whole else f" {alone} "
    if sign in IN_TENTHS:
        return f" {whole or 0}.{IN_TENTHS[sign]}"
    return f" {whole or ''} {'1/3' if sign == '⅓' else '2/3'}"


def _unit(match: re.Match[str], words: Words) -> str:
    minus, number, fraction, symbol = match.groups()
    forms: tuple[str, str] = words.units[symbol]
    if fraction:
        return f"{fraction} {_noun(forms) if _alone(fraction, words.fractions) else forms[1]}"
    known = value(number, words)
    if known is None or DECADE.fullmatch(match[0]):
        return match[0]
    if minus:
        return f"{words.minus} {said(known, words)} {forms[1]}"
    return _counted(known, forms, words)


def _noun(forms: tuple[str, str]) -> str:
    """The unit in the singular without its "one"."""
    return re.sub(r"^\w+['’ ]", "", forms[0])


def _alone(phrase: str, fractions: Forms) -> bool:
    return any(phrase == alone for alone, _ in fractions.values())
