"""Which languages this setup offers: what the live workers of all three stages can do together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bridge.errors import LanguageError, NoWorker
from bridge.languages import find, same
from bridge.protocol.client_messages import AUTO
from bridge.store.registry import WorkerRecord
from bridge.types import STAGES


@dataclass(frozen=True, slots=True)
class Offer:
    """The pairs that can be heard, and which languages each engine that detects can tell apart."""

    pairs: frozenset[tuple[str, str]]
    detectable: frozenset[frozenset[str]]
    missing: tuple[str, ...]

    @classmethod
    def of(cls, workers: Sequence[WorkerRecord]) -> Offer:
        heard = {tag for worker in workers if worker.stage == "stt" for tag in worker.languages}
        spoken = {tag for worker in workers if worker.stage == "tts" for tag in worker.languages}
        pairs = {pair for worker in workers for pair in worker.pairs}
        return cls(
            frozenset((source, target) for source, target in pairs if source in heard and target in spoken),
            frozenset(frozenset(worker.languages) for worker in workers if worker.detects),
            tuple(stage for stage in STAGES if all(worker.stage != stage for worker in workers)),
        )

    @property
    def detects(self) -> bool:
        """Whether the spoken language can be found out."""
        return bool(self.detectable)

    @property
    def sources(self) -> list[str]:
        return sorted({source for source, _ in self.pairs})

    def resolve(self, source: str, targets: Sequence[str]) -> tuple[str | None, list[str]]:
        """The tags to work with; a source of None is to be detected.

        Raises NoWorker where a stage has no worker, LanguageError for a language or pair that is
        unknown or not offered, naming what is, and for two targets that are one here.
        """
        self.check()
        spoken = self.spoken(source)
        offered = {target for of, target in self.pairs if spoken in (None, of)}
        named: dict[str, str] = {}
        for asked in targets:
            target = self._known(asked, offered, spoken)
            if target not in offered:
                raise LanguageError(
                    f"{spoken or AUTO} → {target} is not offered by this setup.", self._hint(spoken)
                )
            if target in named:
                raise LanguageError(
                    f"{named[target]} and {asked} are both heard as {target} in this setup.",
                    "Name one of them.",
                )
            named[target] = asked
        return spoken, list(named)

    def converse(self, among: Sequence[str], targets: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
        """The tags of two languages of which each is spoken and heard in the other, and of the targets.

        Raises as `resolve`, and LanguageError where the targets are not those two, where nobody can tell
        them apart, or where one of the two directions is not offered.
        """
        self.check()
        if not self.detects:
            raise _deaf("Name the language that is spoken, or set STT_PROVIDER=faster_whisper.")
        first, second = (self._known(tag, self.sources, tag) for tag in among)
        if find(first).base == find(second).base:
            raise LanguageError(
                f"{among[0]} and {among[1]} cannot be told apart by ear.", "Name two languages that differ."
            )
        if not any({first, second} <= able for able in self.detectable):
            raise LanguageError(
                f"No engine of this setup can tell {first} from {second}.",
                f"Languages that are detected: {', '.join(sorted(frozenset().union(*self.detectable)))}.",
                code="cannot_detect",
            )
        others = {first: second, second: first}
        heard = [next((tag for tag in others if same(tag, target)), "") for target in targets]
        if sorted(heard) != sorted(others):
            raise LanguageError(
                f"A conversation in {first} and {second} is heard in these two, not in {', '.join(targets)}.",
                f"Name {first} and {second} as targets, or leave out `among`.",
            )
        return (first, second), [
            self.resolve(others[tag], [target])[1][0] for tag, target in zip(heard, targets, strict=True)
        ]

    def check(self) -> None:
        """Raises NoWorker where a stage has no worker."""
        if self.missing:
            *others, last = self.missing
            raise NoWorker(
                f"No worker is running for {' and '.join(filter(None, [', '.join(others), last]))}.",
                "Start the workers (`speechbridge up`) and try again in a moment.",
            )

    def understood(self, tag: str) -> str | None:
        """The language that is spoken to whoever listens, None where it is to be detected.

        Raises LanguageError for one that is not recognised here.
        """
        spoken = self.spoken(tag)
        if spoken is not None and spoken not in self.sources:
            raise LanguageError(f"{spoken} is not understood by this setup.", self._hint(spoken))
        return spoken

    def heard(self, tag: str) -> str:
        """The language to listen in, whatever is spoken: one that can be spoken, or translated into.

        Raises LanguageError for one that can be neither.
        """
        offered = {target for _, target in self.pairs} | set(self.sources)
        target = self._known(tag, offered, None)
        if target not in offered:
            raise LanguageError(
                f"Nothing can be heard in {target} in this setup.", f"Offered: {', '.join(sorted(offered))}."
            )
        return target

    def spoken(self, tag: str) -> str | None:
        """The language that is spoken, None where it is to be detected. Raises LanguageError."""
        if tag != AUTO:
            return self._known(tag, self.sources, tag)
        if self.detects:
            return None
        if len(self.sources) == 1:
            return self.sources[0]
        raise _deaf(self._hint(tag))

    def _known(self, tag: str, offered: Collection[str], spoken: str | None) -> str:
        """The offered spelling of a tag: itself, or its language without the region."""
        try:
            language = find(tag)
        except LanguageError as error:
            raise LanguageError(error.message, f"{error.hint} {self._hint(spoken)}") from None
        return language.base if language.tag not in offered and language.base in offered else language.tag

    def _hint(self, spoken: str | None) -> str:
        """What to ask for instead. Of the pairs one side only: there may be ten thousand."""
        if not self.pairs:
            return "Its workers share no pair of languages."
        targets = sorted({target for source, target in self.pairs if spoken in (None, source)})
        if targets:
            return f"Offered from {spoken or AUTO}: {', '.join(targets)}."
        return f"Offered sources: {', '.join(self.sources)}."


def _deaf(hint: str) -> LanguageError:
    return LanguageError("This setup cannot detect the spoken language.", hint, code="cannot_detect")
