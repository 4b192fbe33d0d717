"""Counts how many terms of a glossary come out as they must, without it and with it, by a real engine.

    python scripts/term_score.py [--provider apertium] [--to es] [--glossary FILE] [--sentences FILE]

prints for each how many of the terms that a listener must hear stand in the translation, and which do not,
with the time of a sentence, the machine and the date. A file of sentences has, in each line, a sentence and
behind a bar the terms that belong into its translation, with semicolons between them.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bridge.cli.bench.report import machine
from bridge.glossary import Glossary
from bridge.glossary.finding import edge
from bridge.providers import Translator, load
from bridge.providers.translation.glossed import glossed
from bridge.types import Phrase

DATA = Path(__file__).parent.parent / "tests" / "data" / "terms"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is said, and the terms that must be heard in its translation."""

    text: str
    terms: tuple[str, ...]


@dataclass(slots=True)
class Score:
    """Of some sentences: the terms that were heard, those that were not with what was, and the times."""

    right: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    @property
    def terms(self) -> int:
        return self.right + len(self.wrong)

    def __str__(self) -> str:
        share = 100 * self.right / max(1, self.terms)
        return f"{self.right} of {self.terms} terms ({share:.0f} %), {1000 * median(self.times):.1f} ms each"


def sentences(file: Path) -> list[Sentence]:
    """Those of a file."""
    found = []
    for line in file.read_text().splitlines():
        if line and not line.startswith("#"):
            text, _, terms = line.partition("|")
            found.append(Sentence(text.strip(), tuple(each.strip() for each in terms.split(";"))))
    return found


def score(translator: Translator, listed: Sequence[Sentence], source: str, target: str) -> Score:
    """What an engine makes of the sentences."""
    found = Score()
    for sentence in listed:
        since = time.perf_counter()
        made = translator.translate(Phrase(sentence.text, source, target)).text
        found.times.append(time.perf_counter() - since)
        for term in sentence.terms:
            if heard(term, made, target):
                found.right += 1
            else:
                found.wrong.append((term, made))
    return found


def heard(term: str, text: str, language: str) -> bool:
    """Whether a term stands there in whole words; a sentence may begin with a capital."""
    inner = edge(language)
    capital = term[:1].upper() + term[1:]
    return bool(re.search(f"(?<![{inner}])(?:{re.escape(term)}|{re.escape(capital)})(?![{inner}])", text))


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints both scores."""
    parser = argparse.ArgumentParser(description="Scores the terms of a glossary.")
    parser.add_argument("--provider", default="apertium")
    parser.add_argument("--from", dest="source", default="en")
    parser.add_argument("--to", dest="target", default="es")
    parser.add_argument("--glossary", type=Path, default=DATA / "glossary.toml")
    parser.add_argument("--sentences", type=Path, default=DATA / "sentences.txt")
    asked = parser.parse_args(arguments)
    listed = sentences(asked.sentences)
    with closing(load("translation", asked.provider)) as engine:
        engine.translate(Phrase("Go.", asked.source, asked.target))
        plain = score(engine, listed, asked.source, asked.target)
        with_terms = score(glossed(engine, Glossary(asked.glossary)), listed, asked.source, asked.target)
    head = f"{asked.provider}, {asked.source} to {asked.target}, {len(listed)} sentences"
    sys.stdout.write("\n".join([*_lines(head, plain, with_terms)]) + "\n")


def _lines(head: str, plain: Score, with_terms: Score) -> Iterator[str]:
    here = machine()
    yield f"{head}, {time.strftime('%Y-%m-%d')}, {here['cores']} cores, {here['cpu']}"
    for name, found in (("without", plain), ("with", with_terms)):
        yield f"{name:8} {found}"
        for term, made in found.wrong:
            yield f"{'':8} {term}: {made}"


if __name__ == "__main__":
    main()
