"""Whisper on CTranslate2: speech of 100 languages to text, the language found out where nobody names it.

Greedy and without timestamps, because somebody waits: beam 5 decodes 1.4 to 2 times as long. A short
window encodes 2.8 s of speech in 12 ms where the full one takes 150 (tiny, two cores); what accuracy
that costs a large Whisper was not measured, so it is off unless asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from bridge import languages, options
from bridge.errors import LanguageError, ProviderError, ProviderMissing, SettingsError
from bridge.extras import install
from bridge.models import library
from bridge.models.pool import Limits, Pool
from bridge.providers import Hints, unhinted
from bridge.providers.batching import Batcher
from bridge.providers.device import place
from bridge.providers.stt.asking import Ask, Spoken
from bridge.providers.stt.whisper import (
    WINDOW,
    Heard,
    Samples,
    Whisper,
    check,
    load,
    samples_of,
    voiced,
    windows,
)
from bridge.providers.stt.whisper_options import FasterWhisperOptions, without_effect
from bridge.settings import Settings
from bridge.types import Hypothesis, Speech, Transcript

if TYPE_CHECKING:
    from ctranslate2 import StorageView

log = structlog.get_logger(__name__)

UNDETERMINED = "und"
"""The tag of BCP 47 where nothing was said and no language named."""


class FasterWhisper:
    """One model; what comes while STT_NUM_WORKERS are busy waits and is gathered into batches."""

    Options: type[options.Options] = FasterWhisperOptions

    def __init__(self, options: FasterWhisperOptions) -> None:
        core = Settings.read()
        self._options = options
        self._threshold = core.threshold
        self._hints: Hints = unhinted
        self._load = _loader(options)
        self._pool = Pool("stt", Limits.of(core))
        self._batcher: Batcher[Ask, tuple[StorageView | None, Heard]] = Batcher(
            self._first, options.stt_batch_size, options.stt_num_workers
        )
        try:
            with self._lease() as whisper:
                self.detects: bool = whisper.multilingual
                self._codes = {
                    known.tag: known.whisper
                    for known in languages.known()
                    if known.whisper and whisper.has(known.whisper)
                }
            self._detectable = self._allowed()
            self._pool.keep(options.stt_model_size)
        except BaseException:
            self._pool.close()
            raise
        # Of several tags with one code the one without a region: en before en-GB.
        self._tags = {code: tag for tag, code in reversed(self._codes.items()) if "-" not in tag}
        for sentence in without_effect(options, self._device()):
            log.warning(sentence)

    def languages(self) -> frozenset[str]:
        """The tags of the languages of the model, regional ones included."""
        return frozenset(self._codes)

    def transcribe(self, speech: Speech) -> Transcript:
        """The text of one segment, as the model writes it: with capitals and punctuation.

        The confidence is the geometric mean of the probabilities of all tokens. Empty, without a
        confidence, where the model hears no speech, where it loops, and for digital silence. Raises
        LanguageError for a language it has not, ProviderError where it fails.
        """
        spoken = self._spoken(speech)
        samples = samples_of(speech)
        heard = self._heard(samples, spoken, speech.quick) if samples.any() else []
        if not (text := " ".join(one.text for one in heard)):
            return Transcript("", speech.language or UNDETERMINED)
        confidence = math.exp(sum(one.log_prob for one in heard) / sum(one.tokens for one in heard))
        return Transcript(text, speech.language or self._tag(heard[0].code, speech.among), confidence)

    def heed(self, hints: Hints) -> None:
        """Takes the words as said before, which makes them likelier. It is faster-whisper's `hotwords`."""
        self._hints = hints

    def hear(self, speech: Speech) -> Hypothesis:
        """The words so far of the first 30 s, searched greedily and tried once, with the time of each.

        Raises as `transcribe`.
        """
        spoken, samples = self._spoken(speech), samples_of(speech)[:WINDOW]
        nothing = Hypothesis("", speech.language or UNDETERMINED)
        if not samples.any():
            return nothing
        try:
            with self._lease() as whisper:
                features = whisper.features(samples)
                encoded = whisper.encode([features])
                likely = {} if spoken.code else whisper.languages(encoded)[0]
                heard = self._decode(whisper, encoded, [spoken.decided(likely)], {"beam_size": 1})[0]
                if not heard.text or not self._trusted(heard):
                    return nothing
                marks = whisper.ends(encoded, heard, features.shape[1])
        except RuntimeError as error:
            raise ProviderError(f"Whisper failed on speech that goes on: {error}.") from error
        return Hypothesis(heard.text, speech.language or self._tag(heard.code, speech.among), marks)

    def _trusted(self, heard: Heard) -> bool:
        unlikely = heard.mean_log_prob < self._options.stt_log_prob_threshold
        looping = heard.compression > self._options.stt_compression_ratio_threshold
        return not looping and not (unlikely and heard.no_speech > self._options.stt_no_speech_threshold)

    def resident(self) -> tuple[str, ...]:
        """The name of the model, while it is loaded."""
        return self._pool.resident()

    @property
    def slots(self) -> int:
        """Segments of which the model's workers and batches can make use at once."""
        return self._batcher.slots

    def close(self) -> None:
        """Ends the batches and frees the model."""
        self._batcher.close()
        self._pool.close()

    @contextmanager
    def _lease(self) -> Iterator[Whisper]:
        with self._pool.lease(self._options.stt_model_size, self._load, Whisper.close) as whisper:
            yield whisper

    def _device(self) -> str:
        with self._lease() as whisper:
            return str(whisper.model.model.device)

    def _allowed(self) -> frozenset[str]:
        """The codes that detection chooses among. Raises SettingsError for one that the model has not."""
        named = [tag.strip() for tag in self._options.stt_languages.split(",") if tag.strip()]
        try:
            return frozenset(filter(None, map(self._code, named))) or frozenset(self._codes.values())
        except LanguageError as error:
            raise SettingsError(
                f"STT_LANGUAGES={self._options.stt_languages} is not valid: {error.message}", error.hint
            ) from None

    def _spoken(self, speech: Speech) -> Spoken:
        """What is known of the language before anything is heard. Raises LanguageError."""
        allowed = [code for tag in speech.among if (code := self._code(tag))]
        prior = self._codes.get(languages.find(speech.prior).tag) if speech.prior else None
        return Spoken(self._code(speech.language), allowed or self._detectable, prior)

    def _tag(self, code: str, among: Sequence[str]) -> str:
        """The tag of a language that was detected, as it was asked for."""
        return next((tag for tag in among if self._code(tag) == code), self._tags[code])

    def _code(self, language: str | None) -> str | None:
        """Whisper's name of a language; of the only one where there is no other to detect."""
        if language is None:
            return None if self.detects else "en"
        code = self._codes.get(languages.find(language).tag)
        if code is None:
            only = "English only" if not self.detects else f"no {languages.find(language).name}"
            raise LanguageError(
                f"The Whisper model {self._options.stt_model_size} knows {only}, so not {language}.",
                "Choose an STT_MODEL_SIZE without .en, such as base."
                if not self.detects
                else "Choose another language or STT_PROVIDER.",
            )
        return code

    def _heard(self, samples: Samples, spoken: Spoken, quick: bool) -> list[Heard]:
        """What is said in the windows of a segment; the first one that is heard tells the language."""
        if self._options.stt_vad_filter:
            samples = voiced(samples, self._threshold)
        found: list[Heard] = []
        try:
            with self._lease() as whisper:
                for part in windows(samples):
                    heard = self._window(whisper, Ask(whisper.features(part), spoken, quick))
                    if heard and heard.text:
                        spoken = replace(spoken, code=heard.code)
                        found.append(heard)
        except RuntimeError as error:
            raise ProviderError(f"Whisper failed on a segment: {error}.") from error
        return found

    def _window(self, whisper: Whisper, ask: Ask) -> Heard | None:
        """The text of one window that passes every guard; None where there is none.

        Of the temperatures the first is taken that gives a likely text, else the likeliest text.
        """
        encoded, heard = self._batcher(ask)
        tried: list[Heard] = []
        for nth, temperature in enumerate(self._options.temperatures[: 1 if ask.quick else None]):
            if nth:
                encoded = whisper.encode([ask.features]) if encoded is None else encoded
                heard = self._decode(whisper, encoded, [heard.code], self._search(temperature))[0]
            likely = heard.mean_log_prob >= self._options.stt_log_prob_threshold
            if not likely and heard.no_speech > self._options.stt_no_speech_threshold:
                return None
            if heard.compression <= self._options.stt_compression_ratio_threshold:
                if likely:
                    return heard
                tried.append(heard)
        if not tried:
            log.info("looping text dropped", characters=len(heard.text))
        return max(tried, key=lambda heard: heard.mean_log_prob, default=None)

    def _first(self, asks: Sequence[Ask]) -> list[tuple[StorageView | None, Heard]]:
        """One run of the model; what was encoded comes along where it is of one window only."""
        with self._lease() as whisper:
            encoded = whisper.encode([ask.features for ask in asks])
            told = all(ask.spoken.code for ask in asks)
            likely = [{}] * len(asks) if told else whisper.languages(encoded)
            codes = [ask.spoken.decided(each) for ask, each in zip(asks, likely, strict=True)]
            search = self._search(self._options.temperatures[0])
            if "beam_size" in search and any(ask.quick for ask in asks):
                search["beam_size"] = 1
            heard = self._decode(whisper, encoded, codes, search)
        return [(encoded if len(asks) == 1 else None, one) for one in heard]

    def _decode(
        self, whisper: Whisper, encoded: StorageView, codes: Sequence[str], search: dict[str, Any]
    ) -> list[Heard]:
        hints = (self._hints(self._tags[code]) for code in dict.fromkeys(codes))
        return whisper.decode(encoded, codes, search, ", ".join(filter(None, hints)))

    def _search(self, temperature: float) -> dict[str, Any]:
        if temperature == 0:
            return {"beam_size": self._options.stt_beam_size}
        return {
            "beam_size": 1,
            "num_hypotheses": self._options.stt_best_of or 1,
            "sampling_topk": 0,
            "sampling_temperature": temperature,
        }


def _loader(options: FasterWhisperOptions) -> Callable[[], Whisper]:
    """What loads the model, after a look whether device, number format and files are there."""
    try:
        import ctranslate2
        import faster_whisper  # noqa: F401
    except ImportError:
        raise ProviderMissing(
            "The faster-whisper package is not installed.", install("faster-whisper")
        ) from None
    device, index = place("stt", options.stt_device, ctranslate2.get_cuda_device_count())
    supported = ctranslate2.get_supported_compute_types(device, index)
    if options.stt_compute_type not in ("auto", "default", *supported):
        raise SettingsError(
            f"STT_COMPUTE_TYPE={options.stt_compute_type} does not run on {device}.",
            f"Use one of: auto, default, {', '.join(sorted(supported))}.",
        )
    folder = library.locate("whisper", options.stt_model_size)
    check(folder, options.stt_model_size)
    return partial(
        load,
        folder,
        options.stt_short_window,
        device=device,
        device_index=index,
        compute_type=options.stt_compute_type,
        cpu_threads=options.stt_cpu_threads,
        num_workers=options.stt_num_workers,
        flash_attention=options.stt_flash_attention,
    )
