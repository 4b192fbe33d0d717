"""Engines whose times are set, so that load tests measure the system and tests choose what is late.

Nothing is recognised, translated or spoken: every result says that it is simulated or is a tone.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Sequence
from itertools import count
from random import Random
from typing import Annotated

import numpy as np
from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from bridge import options
from bridge.audio import frames
from bridge.errors import LanguageError
from bridge.providers.stt import detection
from bridge.text import sentences
from bridge.types import SAMPLE_BYTES, Audio, Hypothesis, Phrase, Speech, Transcript, Translation, Utterance

LANGUAGES = frozenset(
    {"ar", "ca", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "it", "nl", "pl", "pt", "sv", "tr"}
)
"""English, and as many as a room may have."""

RATE = 24_000
"""Hz of the tone: the rate clients get by default, so that no load test measures a resampler."""

PIECE_MS = 100
WORD_MS = 300
"""Speech that makes a word of a hypothesis; each eighth one ends a clause."""

Times = Annotated[tuple[float, ...], NoDecode]
Names = Annotated[tuple[str, ...], NoDecode]


class SimulatedOptions(options.Options):
    """The times of the three stages, in milliseconds; a list such as 900,50 is gone through call by call."""

    simulated_stt_ms: Times = Field(
        (120,), description="Time of stt, or a list for one call after the other."
    )
    simulated_stt_languages: Names = Field(
        ("en",),
        description="Language that stt finds where it is one of two, or a list for one call after the other;"
        " es:0.6 is found with a probability of 0.6. Example: `en,es,en:0.6`.",
    )
    simulated_stt_sentences: int = Field(
        1, ge=1, le=50, description="Sentences in the text that stt makes of any speech."
    )
    simulated_translation_ms: Times = Field(
        (60,), description="Time of translation of each sentence, or a list for one after the other."
    )
    simulated_tts_ms: Times = Field(
        (80,), description="Time of tts to its first sound, or a list for one call after the other."
    )
    simulated_tts_audio_ms: int = Field(
        1_000, ge=0, le=60_000, description="Length of the tone that tts makes of any text at its own pace."
    )
    simulated_quick_percent: float = Field(
        60,
        gt=0,
        le=100,
        description="Share of its time that stt or translation takes with the least effort.",
    )
    simulated_jitter: float = Field(
        0, ge=0, le=1, description="Share by which each time varies at random: 0.2 is 80 to 120 %."
    )
    simulated_seed: int = Field(0, description="Start of the random numbers behind SIMULATED_JITTER.")

    @field_validator(
        "simulated_stt_ms",
        "simulated_translation_ms",
        "simulated_tts_ms",
        "simulated_stt_languages",
        mode="before",
    )
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(map(str.strip, value.split(","))) if isinstance(value, str) else value

    @field_validator("simulated_stt_ms", "simulated_translation_ms", "simulated_tts_ms")
    @classmethod
    def _finite(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or not all(0 <= ms <= 60_000 for ms in value):
            raise ValueError("give milliseconds from 0 to 60000, or several separated by commas")
        return value

    @field_validator("simulated_stt_languages")
    @classmethod
    def _found(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            language, probability = found(name)
            if language not in LANGUAGES or not 0 <= probability <= 1:
                known = ", ".join(sorted(LANGUAGES))
                raise ValueError(f"give es or es:0.6, or several separated by commas, of {known}")
        return value


def found(name: str) -> tuple[str, float]:
    """Language and probability of an entry such as es or es:0.6. Raises ValueError."""
    language, _, probability = name.partition(":")
    return language, float(probability or 1)


class Clock:
    """The time each call takes: the list gone through in order, with jitter."""

    def __init__(self, times: tuple[float, ...], options: SimulatedOptions) -> None:
        self._times = times
        self._jitter = options.simulated_jitter
        self._quick = options.simulated_quick_percent / 100
        self._seed = options.simulated_seed
        self._calls = count()

    def next_ms(self, *, quick: bool = False) -> float:
        """Milliseconds of the next call. The same seed gives the same row; safe from any thread."""
        call = next(self._calls)
        spread = Random(f"{self._seed} {call}").uniform(-1, 1) * self._jitter
        return self._times[call % len(self._times)] * (1 + spread) * (self._quick if quick else 1)

    def wait(self, *, quick: bool = False) -> None:
        """Takes the time of the next call."""
        time.sleep(self.next_ms(quick=quick) / 1000)


class SimulatedTranscriber:
    """Makes of each segment a text that names its length and content, so that segments differ."""

    Options: type[options.Options] = SimulatedOptions
    detects: bool = True

    def __init__(self, options: SimulatedOptions) -> None:
        self._clock = Clock(options.simulated_stt_ms, options)
        # Of its own, so that looks in between do not change what finals take.
        self._looks = Clock(options.simulated_stt_ms, options)
        self._languages = options.simulated_stt_languages
        self._sentences = options.simulated_stt_sentences
        self._detected = count()

    def languages(self) -> frozenset[str]:
        """A few tags, two of them written from right to left; any will do for load."""
        return LANGUAGES

    def transcribe(self, speech: Speech) -> Transcript:
        """`simulated 0a1b2c3d of 1200 ms` from the audio's checksum; English where no language is named."""
        language = speech.language or (self._detect(speech) if speech.among else "en")
        _known(language)
        if not speech.audio.pcm:
            return Transcript("", language)
        self._clock.wait(quick=speech.quick)
        text = f"simulated {zlib.crc32(speech.audio.pcm):08x} of {speech.audio.ms:.0f} ms"
        if self._sentences > 1:
            text = " ".join(f"Part {part} of {text}!" for part in range(1, self._sentences + 1))
        return Transcript(text, language)

    def hear(self, speech: Speech) -> Hypothesis:
        """A word of each 300 ms that were heard whole, made of their checksum: more speech adds words."""
        language = speech.language or (speech.prior or speech.among[0] if speech.among else "en")
        _known(language)
        size = speech.audio.rate * WORD_MS // 1000 * SAMPLE_BYTES
        whole = len(speech.audio.pcm) // size
        if not whole:
            return Hypothesis("", language)
        self._looks.wait()
        words = [f"{zlib.crc32(speech.audio.pcm[n * size : (n + 1) * size]):08x}" for n in range(whole)]
        text, marks = "", list[int]()
        for number, word in enumerate(words, 1):
            text += f"{' ' if text else ''}{word}{',' if number % 8 == 0 else ''}"
            marks += (len(text), number * WORD_MS)
        return Hypothesis(text, language, tuple(marks))

    def resident(self) -> tuple[str, ...]:
        """None: the engine has no models of its own to load by name."""
        return ()

    def close(self) -> None:
        """Holds nothing."""

    def _detect(self, speech: Speech) -> str:
        """What the next entry of the list says; the rest of its probability is that of the others."""
        language, probability = found(self._languages[next(self._detected) % len(self._languages)])
        others = [tag for tag in speech.among if tag != language]
        likely = {tag: (1 - probability) / len(others) for tag in others} | {language: probability}
        return detection.spoken(likely, speech.among, speech.prior)


class SimulatedTranslator:
    """Marks each text with its target."""

    Options: type[options.Options] = SimulatedOptions

    def __init__(self, options: SimulatedOptions) -> None:
        self._clock = Clock(options.simulated_translation_ms, options)

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Each language to each other."""
        return frozenset((a, b) for a in LANGUAGES for b in LANGUAGES if a != b)

    def translate(self, phrase: Phrase) -> Translation:
        """`[es] text`, sentence by sentence."""
        if (phrase.source, phrase.target) not in self.pairs():
            raise LanguageError(
                f"The simulated translation has no pair {phrase.source} to {phrase.target}.",
                f"Use two of: {', '.join(sorted(LANGUAGES))}.",
            )
        if not _spoken(phrase.text):
            return Translation("")
        made = []
        for sentence in sentences(phrase.text, phrase.source):
            self._clock.wait(quick=phrase.quick)
            made.append(f"[{phrase.target}] {sentence}")
        return Translation(" ".join(made))

    def share(self, lengths: Sequence[int]) -> float:
        """Each sentence takes its time."""
        return 1 / len(lengths)

    def resident(self) -> tuple[str, ...]:
        """None: the engine has no models of its own to load by name."""
        return ()

    def close(self) -> None:
        """Holds nothing."""


class SimulatedSynthesizer:
    """Makes of each text a tone whose pitch depends on the text."""

    Options: type[options.Options] = SimulatedOptions

    def __init__(self, options: SimulatedOptions) -> None:
        self._clock = Clock(options.simulated_tts_ms, options)
        self._ms = options.simulated_tts_audio_ms

    def languages(self) -> frozenset[str]:
        """A few tags, two of them written from right to left; any will do for load."""
        return LANGUAGES

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """A tone of 200 to 1 199 Hz at 24 kHz in pieces of 100 ms, all at once after the set time."""
        _known(utterance.language)
        if not _spoken(utterance.text):
            return
        self._clock.wait()
        hertz = 200 + zlib.crc32(utterance.text.encode(errors="replace")) % 1_000
        phase = 2 * np.pi * hertz * np.arange(round(RATE * self._ms / 1000 / utterance.speed)) / RATE
        tone = (np.sin(phase) * 6_000).astype("<i2").tobytes()
        for piece in frames(tone, RATE, PIECE_MS):
            yield Audio(piece, RATE)

    def resident(self) -> tuple[str, ...]:
        """None: the engine has no models of its own to load by name."""
        return ()

    def close(self) -> None:
        """Holds nothing."""


def _spoken(text: str) -> bool:
    return bool(text.replace("\0", "").strip())


def _known(language: str) -> None:
    if language not in LANGUAGES:
        raise LanguageError(
            f"The simulated engines have no language {language}.",
            f"Use one of: {', '.join(sorted(LANGUAGES))}.",
        )
