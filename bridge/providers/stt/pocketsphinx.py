"""English speech to text where nothing may be downloaded: the recogniser and its model are one wheel.

Whole segments, because the mean of the entire segment (batch CMN) is known then: 16 % of the words
of tests/data/speech are wrong, 22 % when the same engine is fed piece by piece.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from pydantic import Field

from bridge import languages, options
from bridge.errors import LanguageError, ProviderError, ProviderMissing, SettingsError
from bridge.extras import install
from bridge.providers.stt.growing import Growing
from bridge.types import SPEECH_RATE, Hypothesis, Speech, Transcript

if TYPE_CHECKING:
    from pocketsphinx import Decoder


class PocketsphinxOptions(options.Options):
    """What pocketsphinx is to recognise; the wheel's own English model where nothing is set."""

    pocketsphinx_lm: Path | None = Field(
        None, description="Language model (ARPA or binary) of the words to expect; unset, general English."
    )
    pocketsphinx_jsgf: Path | None = Field(
        None, description="JSGF grammar of the only sentences to recognise, in place of a language model."
    )
    pocketsphinx_dictionary: Path | None = Field(
        None, description="Pronunciation dictionary, one word and its phones per line; unset, CMUdict."
    )
    pocketsphinx_hmm: Path | None = Field(
        None, description="Folder of an acoustic model; unset, the English one of the package."
    )
    pocketsphinx_language: str = Field("en", description="Language tag of what the models above recognise.")


class Pocketsphinx:
    """One decoder. It holds the GIL for a whole segment, so calls wait for each other."""

    Options: type[options.Options] = PocketsphinxOptions
    detects: bool = False

    def __init__(self, options: PocketsphinxOptions) -> None:
        try:
            import pocketsphinx
        except ImportError:
            raise ProviderMissing(
                "The pocketsphinx package is not installed.", install("pocketsphinx")
            ) from None
        self._language = _language(options)
        models = _models(options)
        # lw 5 and no second pass: 16 % of the words of tests/data/speech wrong and 64 ms at most
        # after the last sample, against 20 % and 180 ms with the engine's defaults.
        self._make = partial(
            pocketsphinx.Decoder, samprate=SPEECH_RATE, loglevel="FATAL", lw=5.0, fwdflat=False, **models
        )
        try:
            self._decoder: Decoder = self._make()
        except RuntimeError:
            given = ", ".join(f"POCKETSPHINX_{_NAMES[name]}={path}" for name, path in models.items())
            raise SettingsError(
                f"pocketsphinx rejects the models it was given ({given or 'its own'}).",
                "Every word of a grammar must stand in the dictionary, and dictionary and acoustic model"
                " must use the same phones.",
            ) from None
        if options.pocketsphinx_dictionary:
            _check_dictionary(options.pocketsphinx_dictionary, self._decoder)
        self._lock = Lock()
        self._growing: Growing | None = None

    def languages(self) -> frozenset[str]:
        """The one language of the model."""
        return frozenset({self._language})

    def transcribe(self, speech: Speech) -> Transcript:
        """The words of one segment, lower case without punctuation.

        No confidence: the engine's path probability falls with the length of the text (1e-9 for a
        right sentence of 23 words), also per word it does not tell right from wrong. Raises
        ProviderError for audio that is not at 16 kHz, LanguageError for another language.
        """
        pcm = self._checked(speech)
        # Digital silence is recognised as "but".
        words = self._words(pcm) if pcm.strip(b"\0") else ""
        return Transcript(words, self._language)

    def hear(self, speech: Speech) -> Hypothesis:
        """The words so far of speech that goes on. The first call loads another decoder, 0.3 s and 90 MB.

        Raises as `transcribe`.
        """
        pcm = self._checked(speech)
        if not pcm.strip(b"\0"):
            return Hypothesis("", self._language)
        with self._lock:
            self._growing = self._growing or Growing(self._make())
            try:
                text, marks = self._growing.hear(pcm)
            except RuntimeError as error:
                raise ProviderError(f"pocketsphinx failed on speech that goes on: {error}.") from error
        return Hypothesis(text, self._language, marks)

    def _checked(self, speech: Speech) -> bytes:
        """The samples, where the engine can recognise them."""
        if speech.language not in (None, self._language):
            raise LanguageError(
                f"pocketsphinx recognises {self._language}, not {speech.language}.",
                "Choose another STT_PROVIDER, or set POCKETSPHINX_HMM, _LM and _DICTIONARY.",
            )
        if speech.audio.rate != SPEECH_RATE:
            raise ProviderError(
                f"pocketsphinx takes {SPEECH_RATE} Hz, not {speech.audio.rate} Hz.",
                "Resample the audio first.",
            )
        return speech.audio.pcm

    def _words(self, pcm: bytes) -> str:
        with self._lock:
            try:
                # Else it remembers the noise of the segment before, and hears other words (0.1 ms).
                self._decoder.reinit_feat(None)
                self._decoder.start_utt()
                try:
                    self._decoder.process_raw(pcm, full_utt=True)
                finally:
                    self._decoder.end_utt()
                hypothesis = self._decoder.hyp()
            except RuntimeError as error:
                raise ProviderError(f"pocketsphinx failed on a segment: {error}.") from error
        return str(hypothesis.hypstr) if hypothesis else ""

    def resident(self) -> tuple[str, ...]:
        """None: the engine has no models of its own to load by name."""
        return ()

    def close(self) -> None:
        """Frees the decoders and their models."""
        self._growing = None
        del self._decoder


_NAMES = {"lm": "LM", "jsgf": "JSGF", "dict": "DICTIONARY", "hmm": "HMM"}


def _models(options: PocketsphinxOptions) -> dict[str, str]:
    """The engine's arguments for the files that are set, after a look whether they are there."""
    models = {}
    for argument, name in _NAMES.items():
        path: Path | None = getattr(options, f"pocketsphinx_{name.lower()}")
        if path is None:
            continue
        if not (path.is_dir() if argument == "hmm" else path.is_file()):
            kind = "folder" if argument == "hmm" else "file"
            raise SettingsError(f"POCKETSPHINX_{name}={path} is no {kind}.", "Check the path, or unset it.")
        models[argument] = str(path)
    if {"lm", "jsgf"} <= models.keys():
        raise SettingsError(
            "POCKETSPHINX_LM and POCKETSPHINX_JSGF are both set, but a segment is matched with one of them.",
            "Unset one of the two.",
        )
    return models


def _language(options: PocketsphinxOptions) -> str:
    try:
        return languages.find(options.pocketsphinx_language).tag
    except LanguageError as error:
        raise SettingsError(
            f"POCKETSPHINX_LANGUAGE={options.pocketsphinx_language} is not valid: {error.message}", error.hint
        ) from None


def _check_dictionary(path: Path, decoder: Decoder) -> None:
    """Raises SettingsError where the engine, which skips bad lines in silence, took none of the words."""
    with path.open(encoding="utf-8", errors="replace") as file:
        words = (line.split(maxsplit=1)[0] for line in file if line.strip())
        if not any(decoder.lookup_word(word) for word in words):
            raise SettingsError(
                f"POCKETSPHINX_DICTIONARY={path} holds no word that pocketsphinx can use.",
                "Write one word and its phones per line, for example: go G OW",
            )
