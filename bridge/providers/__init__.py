"""The engines: three Protocols, one loader. A provider is one class and one row of `table`.

A provider class is built from its own `Options`, may be called from several threads at once, and
imports its engine only when it is built, so that this table can be read where nothing is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from bridge.options import Options
from bridge.providers.row import Row
from bridge.providers.table import TABLE, chosen, row
from bridge.types import Audio, Hypothesis, Phrase, Speech, Stage, Transcript, Translation, Utterance

__all__ = ["TABLE", "Row", "chosen", "row"]


class Transcriber(Protocol):
    """Speech to text."""

    Options: type[Options]
    detects: bool
    """True where the engine finds out the language itself when `Speech.language` is None: one of
    `Speech.among` where they are named, and rather `Speech.prior` than another that is hardly likelier."""

    def languages(self) -> frozenset[str]:
        """Tags of the languages it recognises."""

    def transcribe(self, speech: Speech) -> Transcript:
        """The words of one whole segment, PCM s16le mono 16 kHz; empty text where there are none.

        Raises ProviderError where the engine fails on this segment.
        """

    def resident(self) -> tuple[str, ...]:
        """Names of the models loaded; none where the engine loads none by name."""

    def close(self) -> None:
        """Frees the engine; no call follows."""


class Translator(Protocol):
    """Text to text."""

    Options: type[Options]

    def pairs(self) -> frozenset[tuple[str, str]]:
        """(source, target) tags of the pairs it translates."""

    def translate(self, phrase: Phrase) -> Translation:
        """The whole text in the target language. Raises ProviderError."""

    def resident(self) -> tuple[str, ...]:
        """Names of the models loaded; none where the engine loads none by name."""

    def close(self) -> None:
        """Frees the engine; no call follows."""


class Synthesizer(Protocol):
    """Text to speech."""

    Options: type[Options]

    def languages(self) -> frozenset[str]:
        """Tags of the languages it speaks."""

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """Pieces of speech in order, at the engine's own rate, each as soon as it exists; faster where
        `Utterance.speed` says so.

        Closing the iterator early stops the engine. Raises ProviderError.
        """

    def resident(self) -> tuple[str, ...]:
        """Names of the models loaded; none where the engine loads none by name."""

    def close(self) -> None:
        """Frees the engine; no call follows."""


@runtime_checkable
class Preloader(Protocol):
    """An engine with more than one model, which can load some before they are asked for."""

    def preload(self, models: Sequence[str]) -> None:
        """Loads the models of these names. Raises ProviderMissing for one that is not there."""


@runtime_checkable
class Concurrent(Protocol):
    """An engine that several calls at once make faster, because it has workers or batches of its own."""

    @property
    def slots(self) -> int:
        """Calls at once of which it can make use."""


@runtime_checkable
class Hearer(Protocol):
    """An engine of stt that is asked for the words of speech that goes on, again and again as it grows."""

    def hear(self, speech: Speech) -> Hypothesis:
        """The words so far, with the least effort: most of them are replaced. Raises ProviderError."""


Hints = Callable[[str], str]
"""The words of a language that may well be said and are rare, with commas between them; "" for none."""


@runtime_checkable
class Hinted(Protocol):
    """An engine of stt that recognises rare words better where it is told of them."""

    def heed(self, hints: Hints) -> None:
        """Asks `hints` from here on."""


def unhinted(language: str) -> str:
    """Of a language without rare words."""
    return ""


def hear(provider: Transcriber, speech: Speech) -> Hypothesis:
    """The words so far of speech that goes on, from any engine; of one that is no Hearer without times."""
    if isinstance(provider, Hearer):
        return provider.hear(speech)
    found = provider.transcribe(speech)
    return Hypothesis(found.text, found.language)


@runtime_checkable
class Gradual(Protocol):
    """A translator of which the first sentence of a text may be had sooner if it is asked for alone."""

    def share(self, lengths: Sequence[int]) -> float:
        """Which part of the time of sentences of so many characters the first one takes alone."""


def share(provider: object, lengths: Sequence[int]) -> float:
    """What `provider` says of itself; all of the time where it says nothing."""
    return provider.share(lengths) if isinstance(provider, Gradual) else 1.0


Advice = Literal["terms", "context"]


@runtime_checkable
class Advised(Protocol):
    """A translator that can itself make use of what a phrase says besides its text."""

    advice: frozenset[Advice]


def advice(provider: object) -> frozenset[Advice]:
    """What of `Phrase.terms` and `Phrase.context` the engine takes by itself."""
    return provider.advice if isinstance(provider, Advised) else frozenset()


def slots(provider: object) -> int:
    """Calls at once that `provider` can make use of, so the threads that its worker needs at least."""
    return provider.slots if isinstance(provider, Concurrent) else 1


@runtime_checkable
class Billed(Protocol):
    """The class of an engine whose vendor charges for a model, or not at all."""

    @staticmethod
    def billed(options: Any) -> str:
        """The model that the vendor bills with these options; "nothing" where its calls cost nothing."""


def billed(stage: Stage, name: str) -> str:
    """What the vendor of a provider bills as the environment says; "" where it does not matter.

    Raises SettingsError as `load` does.
    """
    cls = row(stage, name).cls()
    return cls.billed(cls.Options.read()) if isinstance(cls, Billed) else ""


def load(stage: Stage, name: str) -> Any:
    """A ready engine, built from the environment.

    Raises SettingsError for an unknown name or a bad option, ProviderMissing for an engine
    that is not installed.
    """
    cls = row(stage, name).cls()
    return cls(cls.Options.read())


def option_classes() -> list[type[Options]]:
    """The options of every provider, each class once, in the order of the table."""
    return list(dict.fromkeys(row.cls().Options for row in TABLE))
