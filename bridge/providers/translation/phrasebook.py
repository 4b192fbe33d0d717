"""Phrases that an engine gets wrong, translated by a table: the engine sees an unknown word in their place.

A book is a UTF-8 file named after its pair, `en-es.tsv`. Each line holds a phrase, a tab and its
translation; a line that begins with `#` is a comment. A phrase is found in any case, as whole words,
the longest first. One that begins with `^` is found only where a clause begins: at the start of the
text, behind punctuation or right behind another phrase; commands need it ("go back", not "to go
back"). A `?` or `!` at the end of a phrase may be missing from the text, and then is from the translation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bridge import languages
from bridge.errors import SettingsError
from bridge.text import clean

BUNDLED = Path(__file__).parents[2] / "data" / "phrases"

Pair = tuple[str, str]

SENTENCE = frozenset(".!?…")
CLAUSE = SENTENCE | frozenset(",;:")
APOSTROPHE = r"['\u2019]"
GOES_ON = re.compile(r"[^\w.!?…,;:]*\w")
DIGITS = str.maketrans("0123456789", "abcdefghij")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a book; `clause` says that the phrase stands only where a clause begins."""

    source: str
    target: str
    clause: bool = False

    @property
    def words(self) -> str:
        """The source without the marks of a question or exclamation."""
        return self.source.strip("¿¡?! ")

    @property
    def key(self) -> str:
        """Two entries with the same key are found in the same places."""
        return self.words.casefold().replace("\u2019", "'")


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase from `start` to `end` of a text; `leads` where only phrases precede it in its sentence."""

    start: int
    end: int
    target: str
    leads: bool


class Phrasebook:
    """The phrases of one pair, compiled once."""

    def __init__(self, entries: list[Entry]) -> None:
        self._all = sorted(entries, key=lambda entry: len(entry.words), reverse=True)
        self._free = [entry for entry in self._all if not entry.clause]
        self._find_all = _pattern(self._all)
        self._find_free = _pattern(self._free)

    def translate(self, text: str, engine: Callable[[str], str]) -> str:
        """`text`, on one line with single spaces, translated by `engine` save for its phrases.

        A text without a phrase reaches the engine as it is. Raises what `engine` raises.
        """
        found = list(self._find(text))
        if not found:
            return engine(text)
        stem = next(stem for n in count(1) if (stem := f"x{'q' * n}z") not in text.lower())
        answer = engine(_marked(text, found, stem))
        parts = re.split(rf"{stem}([a-j]+)x(,?)", answer, flags=re.IGNORECASE)
        if [part.lower() for part in parts[1::3]] != [_letters(index) for index in range(len(found))]:
            return engine(text)  # the engine lost or moved a phrase
        for index, phrase in enumerate(found):
            parts[3 * index + 1] = phrase.target
            if _comma(text, phrase):
                parts[3 * index + 2] = ""
        return "".join(parts)

    def _find(self, text: str) -> Iterator[Found]:
        position = last = 0
        leads = True
        while match := self._find_all.search(text, position):
            entry = self._all[(match.lastindex or 0) - 1]
            words, marks = _gap(text, last, match.start())
            position = match.start() + 1
            if entry.clause and words and not marks & CLAUSE:
                if not (match := self._find_free.match(text, match.start())):
                    continue
                entry = self._free[(match.lastindex or 0) - 1]
            begins = bool(marks & SENTENCE) or not (words or last)
            leads = begins or (leads and not words)
            yield Found(match.start(), match.end(), _target(entry, text, match, begins), leads)
            position = last = match.end()


def books(extra: Path | None) -> dict[Pair, Phrasebook]:
    """The bundled phrases and those of `extra`, a file or a folder of files, which win.

    Raises SettingsError naming the file, the line and what is wrong there.
    """
    entries: dict[Pair, dict[str, Entry]] = {}
    for path in (*sorted(BUNDLED.glob("*.tsv")), *(_files(extra) if extra else ())):
        entries.setdefault(_pair(path), {}).update(_read(path))
    return {pair: Phrasebook(list(found.values())) for pair, found in entries.items() if found}


def _files(extra: Path) -> list[Path]:
    files = sorted(extra.glob("*.tsv")) if extra.is_dir() else [extra]
    if not files or not files[0].is_file():
        what = "holds no .tsv file" if extra.is_dir() else "does not exist"
        raise SettingsError(
            f"APERTIUM_PHRASES={extra} {what}.", "Name a file such as en-es.tsv, or a folder of such files."
        )
    return files


def _pair(path: Path) -> Pair:
    tags = {language.tag for language in languages.known()}
    for hyphen in re.finditer("-", path.stem):
        source, target = path.stem[: hyphen.start()], path.stem[hyphen.end() :]
        if source in tags and target in tags:
            return source, target
    raise SettingsError(
        f"The phrase file {path} names no pair of known languages.",
        "Name it after the tags of its languages, as in en-es.tsv.",
    )


def _read(path: Path) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    numbers: dict[str, int] = {}
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise SettingsError(f"The phrase file {path} cannot be read: {error.strerror}.") from None
    for number, line in enumerate(lines, 1):
        try:
            entry = _entry(line)
            if entry and entry.key in numbers:
                raise ValueError(f"the phrase stands in line {numbers[entry.key]} already")
        except ValueError as error:
            raise SettingsError(
                f"{path}, line {number}: {error}.",
                "A line holds a phrase, one tab and its translation, or begins with #.",
            ) from None
        if entry:
            numbers[entry.key] = number
            entries[entry.key] = entry
    return entries


def _entry(line: bytes) -> Entry | None:
    """The entry of one line, None for a comment. Raises ValueError saying what is wrong."""
    try:
        text = line.decode().rstrip("\r")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1} is not UTF-8") from None
    if not text.strip() or text.startswith("#"):
        return None
    columns = [clean(column) for column in text.split("\t")]
    if len(columns) != 2:
        raise ValueError(f"{len(columns) - 1} tabs instead of one")
    source, target = columns
    entry = Entry(source.removeprefix("^").strip(), target, clause=source.startswith("^"))
    if not re.search(r"\w", entry.words):
        raise ValueError("the phrase holds no word")
    if not target:
        raise ValueError("the translation is empty")
    return entry


def _pattern(entries: list[Entry]) -> re.Pattern[str]:
    """Each entry is a group. "please" is neither in "displeased" nor in "please's" or "yes-please"."""
    sources = (re.escape(entry.words).replace("\u2019", "'") for entry in entries)
    choice = "|".join(f"({source})" for source in sources).replace("'", APOSTROPHE) or "(?!)"
    return re.compile(
        rf"(?<!\w)(?<!\w{APOSTROPHE})(?<!\w-)(?:{choice})(?!\w)(?!{APOSTROPHE}\w)(?!-\w)", re.IGNORECASE
    )


def _gap(text: str, start: int, end: int) -> tuple[bool, set[str]]:
    """Whether words stand between `start` and `end`, and what stands behind the last of them."""
    begin = end
    while begin > start and not text[begin - 1].isalnum():
        begin -= 1
    return begin > start, set(text[begin:end])


def _target(entry: Entry, text: str, match: re.Match[str], begins: bool) -> str:
    """The translation in the case of what was found, its marks left to the text where the entry has some."""
    target, found = entry.target, match[0]
    if entry.source != entry.words:
        target = target.rstrip("?!")
        if text[match.end() : match.end() + 1] not in tuple("?!"):
            target = target.lstrip("¿¡")
    if len(found) > 1 and found.isupper() and not entry.words.isupper():
        return target.upper()
    if begins or (found[0].isupper() and entry.words[0].islower()):
        return re.sub(r"\w", lambda letter: letter[0].upper(), target, count=1)
    return target


def _marked(text: str, found: list[Found], stem: str) -> str:
    """The text with a word that no dictionary has for each phrase.

    A comma behind a leading phrase keeps Apertium from beginning the sentence behind it once more
    ("Ve adelante Diez metros"). A blank `[...]` of its stream in place of the word was worse: "must
    [...] now" became "has d'ara. [...]" in Catalan, and "could you [...] open" lost its infinitive.
    """
    parts, last = [], 0
    for index, phrase in enumerate(found):
        comma = "," if _comma(text, phrase) else ""
        parts += [text[last : phrase.start], f"{stem}{_letters(index)}x{comma}"]
        last = phrase.end
    return "".join((*parts, text[last:]))


def _comma(text: str, phrase: Found) -> bool:
    return phrase.leads and GOES_ON.match(text, phrase.end) is not None


def _letters(index: int) -> str:
    """Digits would be taken for a number."""
    return str(index).translate(DIGITS)
