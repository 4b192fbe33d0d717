"""What a glossary says: the terms of each pair of languages, those of a regional form first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bridge import languages
from bridge.glossary.finding import Finder, key

EVERY = ""
"""In place of a language: whichever is spoken."""


@dataclass(frozen=True)
class Book:
    """`pairs` are the terms by the tags of source and target, `keep` what stays as it is, by source."""

    pairs: Mapping[tuple[str, str], Mapping[str, str]]
    keep: Mapping[str, Sequence[str]]
    _finders: dict[tuple[str, str], Finder] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return sum(map(len, self.pairs.values())) + sum(map(len, self.keep.values()))

    def finder(self, source: str, target: str) -> Finder:
        """What finds the terms of a text in `source` that is translated into `target`."""
        if (found := self._finders.get((source, target))) is None:
            # Made twice where two threads come at once, which does no harm.
            found = self._finders[source, target] = Finder(self.terms(source, target), source)
        return found

    def terms(self, source: str, target: str) -> dict[str, str]:
        """The terms of a pair: a narrower language wins over its base, a pair over what is kept."""
        spoken, heard = list(_ladder(source)), list(_ladder(target))
        kept = (self.keep.get(tag, ()) for tag in (EVERY, *spoken))
        terms = {key(term): (term, term) for listed in kept for term in listed}
        for tag in spoken:
            for to in heard:
                pair = self.pairs.get((tag, to), {})
                terms |= {key(term): (term, called) for term, called in pair.items()}
        return dict(terms.values())

    def words(self, language: str) -> list[str]:
        """All terms that may be said in a language, each once, those of the file's beginning first."""
        tags = (EVERY, *_ladder(language))
        kept = [term for tag in tags for term in self.keep.get(tag, ())]
        paired = [term for (source, _), terms in self.pairs.items() if source in tags for term in terms]
        return list(dict.fromkeys([*kept, *paired]))


def _ladder(tag: str) -> Iterator[str]:
    """The languages whose terms hold for `tag`, its base first: not that of another script."""
    known = languages.find(tag)
    if known.base != known.tag and languages.same(known.base, known.tag):
        yield known.base
    yield known.tag
