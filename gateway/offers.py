"""Which languages this setup offers: what the live workers of all three stages can do together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.errors import LanguageError, NoWorker
from bridge.languages import find
from bridge.streams import WorkerRecord
from bridge.types import STAGES
from gateway.messages import AUTO


@dataclass(frozen=True, slots=True)
class Offer:
    """The pairs that can be heard, and whether the spoken language can be detected."""

    pairs: frozenset[tuple[str, str]]
    detects: bool
    missing: tuple[str, ...]

    @classmethod
    def of(cls, workers: Sequence[WorkerRecord]) -> Offer:
        heard = {tag for worker in workers if worker.stage == "stt" for tag in worker.languages}
        spoken = {tag for worker in workers if worker.stage == "tts" for tag in worker.languages}
        pairs = {pair for worker in workers for pair in worker.pairs}
        return cls(
            frozenset((source, target) for source, target in pairs if source in heard and target in spoken),
            any(worker.detects for worker in workers),
            tuple(stage for stage in STAGES if all(worker.stage != stage for worker in workers)),
        )

    @property
    def sources(self) -> list[str]:
        return sorted({source for source, _ in self.pairs})

    def resolve(self, source: str, targets: Sequence[str]) -> tuple[str | None, list[str]]:
        """The tags to work with; a source of None is to be detected.

        Raises NoWorker where a stage has no worker, LanguageError for a language or pair that is
        unknown or not offered, naming what is.
        """
        if self.missing:
            raise NoWorker(
                f"No worker is running for {' and '.join(self.missing)}.",
                "Start the workers (`speechbridge up`) and try again in a moment.",
            )
        spoken = self._source(source)
        wanted = [self._target(tag) for tag in targets]
        for target in wanted:
            possible = [pair for pair in self.pairs if pair[1] == target and spoken in (None, pair[0])]
            if not possible:
                raise LanguageError(
                    f"{source} → {target} is not offered by this setup.", f"Offered: {self._list()}."
                )
        return spoken, wanted

    def _source(self, tag: str) -> str | None:
        if tag != AUTO:
            return _known(tag, [source for source, _ in self.pairs])
        if self.detects:
            return None
        if len(self.sources) == 1:
            return self.sources[0]
        raise LanguageError(
            "This setup cannot detect the spoken language.", f"Name it: {', '.join(self.sources)}."
        )

    def _target(self, tag: str) -> str:
        return _known(tag, [target for _, target in self.pairs])

    def _list(self) -> str:
        return ", ".join(f"{source} → {target}" for source, target in sorted(self.pairs)) or "no pair at all"


def _known(tag: str, offered: Sequence[str]) -> str:
    """The offered spelling of a tag: itself, or its language without the region."""
    language = find(tag)
    if language.tag in offered:
        return language.tag
    primary = language.tag.partition("-")[0]
    return primary if primary in offered else language.tag
