"""Scores sentence splitters on the labelled sentences of tests/data, so that the choice can be checked.

    python scripts/sentence_scores.py [--also RULE.py]...

prints a table for each file of sentences: the product's own `bridge.text`, each library of LIBRARIES that is
installed, and each RULE.py, which has a function `sentences(text, language)` as an older bridge/text.py has.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = [ROOT / "tests" / "data" / name for name in ("sentences.txt", "sentences_unseen.txt")]
UNSPACED = ("zh", "ja")
ROUNDS = 5

Splitter = Callable[[str, str], list[str]]


@dataclass(frozen=True, slots=True)
class Passage:
    """Sentences of one language as they stand behind each other."""

    language: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        return ("" if self.language in UNSPACED else " ").join(self.sentences)


@dataclass(slots=True)
class Score:
    """What a splitter made of some passages: cuts in the middle of a sentence, and ends that it missed."""

    sentences: int = 0
    cut: int = 0
    missed: int = 0
    passages: int = 0
    right: int = 0

    def add(self, expected: tuple[str, ...], found: list[str]) -> None:
        """Counts one passage."""
        wanted, got = ends(expected), ends(found)
        self.sentences += len(expected)
        self.cut += len(got - wanted)
        self.missed += len(wanted - got)
        self.passages += 1
        self.right += wanted == got


def ends(sentences: tuple[str, ...] | list[str]) -> set[int]:
    """Where sentences end, in characters that are no space: splitters differ in the spaces that they keep."""
    return set(accumulate(len("".join(sentence.split())) for sentence in sentences)) - {0}


def passages(file: Path) -> Iterator[Passage]:
    """The labelled passages of a file."""
    language, lines = "", list[str]()
    for line in [*file.read_text().splitlines(), ""]:
        if line.startswith("== "):
            language = line[3:]
        elif line and not line.startswith("#"):
            lines.append(line)
        elif not line and lines:
            yield Passage(language, tuple(lines))
            lines = []


def score(split: Splitter, of: list[Passage]) -> dict[str, Score]:
    """The score of each language and, under "", of all."""
    scores = {"": Score()}
    for passage in of:
        found = split(passage.text, passage.language)
        for key in ("", passage.language):
            scores.setdefault(key, Score()).add(passage.sentences, found)
    return scores


def _sentencex(text: str, language: str) -> list[str]:
    found: list[str] = importlib.import_module("sentencex").segment(language, text)
    return found


def _pysbd(text: str, language: str) -> list[str]:
    found: list[str] = _pysbd_of(language).segment(text)
    return found


@functools.cache
def _pysbd_of(language: str):  # type: ignore[no-untyped-def]
    pysbd = importlib.import_module("pysbd")
    known = importlib.import_module("pysbd.languages").LANGUAGE_CODES
    return pysbd.Segmenter(language=language if language in known else "en", clean=False)


def _sentence_splitter(text: str, language: str) -> list[str]:
    found: list[str] = _sentence_splitter_of(language).split(text)
    return found


@functools.cache
def _sentence_splitter_of(language: str):  # type: ignore[no-untyped-def]
    module = importlib.import_module("sentence_splitter")
    try:
        return module.SentenceSplitter(language=language)
    except module.SentenceSplitterException:
        return module.SentenceSplitter(language="en")


def _blingfire(text: str, _: str) -> list[str]:
    found: list[str] = importlib.import_module("blingfire").text_to_sentences(text).split("\n")
    return found


LIBRARIES: dict[str, Splitter] = {
    "sentencex": _sentencex,
    "pysbd": _pysbd,
    "sentence_splitter": _sentence_splitter,
    "blingfire": _blingfire,
}


def rule(file: Path) -> Splitter:
    """The function `sentences` of a file."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    split: Splitter = module.sentences
    return split


def import_ms(module: str) -> float:
    """Milliseconds that a new interpreter takes to import `module`, the best of five."""
    program = (
        f"import time; t = time.perf_counter(); import {module}; print((time.perf_counter() - t) * 1000)"
    )
    runs = (subprocess.run([sys.executable, "-c", program], capture_output=True) for _ in range(ROUNDS))
    return min(float(run.stdout) for run in runs)


def microseconds(split: Splitter, of: list[Passage]) -> float:
    """CPU time of a sentence, the best of five rounds."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for passage in of:
            split(passage.text, passage.language)
        times.append(time.process_time() - began)
    return min(times) / sum(len(passage.sentences) for passage in of) * 1e6


def line(name: str, split: Splitter, of: list[Passage], importing: str) -> str:
    """One row of the table."""
    scores = score(split, of)
    every = scores.pop("")
    languages = [f"{one.right}/{one.passages}" for one in scores.values()]
    cells = [name, every.cut, every.missed, f"{every.right}/{every.passages}", *languages]
    return f"| {' | '.join(map(str, cells))} | {microseconds(split, of):.0f} | {importing} |"


def table(of: list[Passage], splitters: dict[str, Splitter]) -> str:
    """The scores of all splitters in Markdown."""
    languages = dict.fromkeys(passage.language for passage in of)
    heads = ["splitter", "cut too many", "cut too few", "passages right", *languages]
    heads += ["µs a sentence", "import ms"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for name, split in splitters.items():
        lines.append(line(name, split, of, "-" if name.endswith(".py") else f"{import_ms(name):.1f}"))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--also", type=Path, action="append", default=[], metavar="RULE.py")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from bridge.text import sentences

    splitters: dict[str, Splitter] = {"bridge.text": sentences}
    splitters |= {str(file): rule(file) for file in arguments.also}
    splitters |= {name: split for name, split in LIBRARIES.items() if importlib.util.find_spec(name)}
    for file in FILES:
        of = list(passages(file))
        print(f"\n{file.name}: {sum(len(passage.sentences) for passage in of)} sentences\n")  # noqa: T201
        print(table(of, splitters))  # noqa: T201


if __name__ == "__main__":
    main()
