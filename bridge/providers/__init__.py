"""The engines: three Protocols, one table, one loader. A provider is one class and one row here.

A provider class is built from its own `Options`, may be called from several threads at once, and
imports its engine only when it is built, so that this table can be read where nothing is installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast, runtime_checkable

from bridge.errors import SettingsError
from bridge.options import Options
from bridge.types import Audio, Hypothesis, Phrase, Speech, Stage, Transcript, Translation, Utterance


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


def slots(provider: object) -> int:
    """Calls at once that `provider` can make use of, so the threads that its worker needs at least."""
    return provider.slots if isinstance(provider, Concurrent) else 1


@dataclass(frozen=True, slots=True)
class Row:
    """One provider: where its class is, which extra installs it, under which licence the engine is."""

    stage: Stage
    name: str
    path: str
    extra: str
    licence: str
    about: str

    def cls(self) -> type[Any]:
        module, _, name = self.path.partition(":")
        return cast(type[Any], getattr(import_module(module), name))


TABLE: tuple[Row, ...] = (
    Row(
        "stt",
        "pocketsphinx",
        "bridge.providers.stt.pocketsphinx:Pocketsphinx",
        "pocketsphinx",
        "BSD-2-Clause",
        "English, nothing to download",
    ),
    Row(
        "stt",
        "faster_whisper",
        "bridge.providers.stt.faster_whisper:FasterWhisper",
        "faster-whisper",
        "MIT",
        "Whisper, 100 languages, detects which, models to download",
    ),
    Row(
        "translation",
        "apertium",
        "bridge.providers.translation.apertium:Apertium",
        "",
        "GPL-2.0-or-later",
        "rule-based pairs from the system's packages",
    ),
    Row(
        "translation",
        "nllb",
        "bridge.providers.translation.nllb:Nllb",
        "nllb",
        "MIT, models CC-BY-NC-4.0",
        "neural, 120 languages, on CPU or GPU",
    ),
    Row(
        "translation",
        "nllb-transformers",
        "bridge.providers.translation.nllb_transformers:NllbTransformers",
        "nllb-transformers",
        "Apache-2.0, models CC-BY-NC-4.0",
        "the same on torch: exact and slower",
    ),
    Row(
        "tts",
        "espeak",
        "bridge.providers.tts.espeak:Espeak",
        "espeak",
        "GPL-3.0-or-later",
        "robotic and clear, over 100 languages",
    ),
    Row(
        "tts",
        "piper",
        "bridge.providers.tts.piper:Piper",
        "piper",
        "GPL-3.0-or-later",
        "natural, voices of 40 languages to download",
    ),
    Row(
        "stt",
        "openai",
        "bridge.providers.openai:OpenAiTranscriber",
        "cloud",
        "OpenAI's terms, or the server's",
        "OpenAI or any compatible server, detects the language",
    ),
    Row(
        "translation",
        "openai",
        "bridge.providers.openai:OpenAiTranslator",
        "cloud",
        "OpenAI's terms, or the server's",
        "OpenAI or any compatible server, a language model",
    ),
    Row(
        "translation",
        "deepl",
        "bridge.providers.translation.deepl:DeepL",
        "cloud",
        "DeepL's terms",
        "DeepL's API with your key, 33 languages and forms",
    ),
    Row(
        "tts",
        "openai",
        "bridge.providers.openai:OpenAiSynthesizer",
        "cloud",
        "OpenAI's terms, or the server's",
        "OpenAI or any compatible server, heard as it comes",
    ),
    Row(
        "stt",
        "simulated",
        "bridge.providers.simulated:SimulatedTranscriber",
        "",
        "Apache-2.0",
        "a set time and a made-up text, for load tests",
    ),
    Row(
        "translation",
        "simulated",
        "bridge.providers.simulated:SimulatedTranslator",
        "",
        "Apache-2.0",
        "a set time and a marked text, for load tests",
    ),
    Row(
        "tts",
        "simulated",
        "bridge.providers.simulated:SimulatedSynthesizer",
        "",
        "Apache-2.0",
        "a set time and a tone, for load tests",
    ),
)


def row(stage: Stage, name: str) -> Row:
    """The provider `name` of `stage`. Raises SettingsError listing the known ones."""
    for candidate in TABLE:
        if (candidate.stage, candidate.name) == (stage, name):
            return candidate
    known = ", ".join(candidate.name for candidate in TABLE if candidate.stage == stage)
    raise SettingsError(f"{stage.upper()}_PROVIDER={name} is unknown.", f"Use one of: {known}.")


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
