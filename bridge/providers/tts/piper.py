"""Natural speech on a CPU: Piper's VITS voices on ONNX Runtime, one voice per language.

On one core a medium voice speaks a second in 80 ms. Piper itself yields a piece per sentence but
reads the whole text first and takes no ONNX Runtime options, so sentences and sessions are made here.
Source: Kim, Kong and Son, "Conditional Variational Autoencoder with Adversarial Learning for
End-to-End Text-to-Speech", ICML 2021.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import TYPE_CHECKING

from pydantic import Field

from bridge import options
from bridge.errors import LanguageError, ProviderError, ProviderMissing, SettingsError
from bridge.extras import install
from bridge.models.pool import Limits, Pool, loading, out_of_memory
from bridge.providers.onnx import CUDA, no_gpu
from bridge.providers.tts.ort import OrtOptions, chosen, session_options
from bridge.providers.tts.voices import Quality, Voice, offered
from bridge.settings import Settings
from bridge.text import clauses, clean, parts, sentences
from bridge.types import Audio, Utterance

if TYPE_CHECKING:
    from piper import PiperVoice, SynthesisConfig

FIRST = 24
"""Characters of the first clause that is spoken before the others, about 1.5 s."""
LONGEST = 300
"""Characters spoken at once, about 20 s: time and memory of a sentence grow with its length."""


class PiperOptions(OrtOptions):
    """Which voice speaks, how, and how ONNX Runtime computes it."""

    tts_model: str = Field(
        "",
        description="Voices that stand for their languages instead of the table's, by name or path of the "
        ".onnx, comma-separated.",
        examples=["es_ES-davefx-medium", "voices/mine.onnx,en_GB-alan-low"],
    )
    tts_quality: Quality = Field(
        "medium", description="Variant of the table's voices; the nearest where a language lacks it."
    )
    tts_noise_scale: float | None = Field(
        None,
        ge=0,
        le=2,
        description="Liveliness of the speech, 0 the same each time; unset, the voice's own.",
    )
    tts_speaker: str = Field(
        "", description="Speaker, by name or number, of voices that have several; empty, the voice's own."
    )


class Piper:
    """The voices of one process, each loaded once, whoever asks. Releases the GIL while it computes."""

    Options: type[options.Options] = PiperOptions

    def __init__(self, options: PiperOptions) -> None:
        try:
            import onnxruntime
            import piper  # noqa: F401
        except ImportError:
            raise ProviderMissing("The piper-tts package is not installed.", install("piper")) from None
        self._options = options
        self._providers = chosen(options, onnxruntime.get_available_providers())
        self._voices = offered(options.tts_model, options.tts_quality)
        self._check_speaker()
        core = Settings.read()
        self._pool = Pool("tts", Limits.of(core))
        try:
            # As many as stay, so that the first segment finds them warm, unless the operator chose them.
            first = 1 if core.preload_models else core.model_resident_cap
            distinct = dict.fromkeys(voice.name for voice in self._voices.by_language.values())
            self.preload(tuple(islice(distinct, first)))
        except BaseException:
            self._pool.close()
            raise

    def languages(self) -> frozenset[str]:
        """Tags of the languages that have a voice on this disk."""
        return frozenset(self._voices.by_language)

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """A piece per sentence at the voice's own rate, each before the next one is computed; per clause of
        the first one where its sound is waited for.

        `voice` is the name of another voice of the language, `name:speaker` or `:speaker`. A sentence of
        more than 300 characters is cut between clauses. Raises LanguageError, and ProviderError for an
        unknown voice or speaker and where the engine fails.
        """
        from piper import SynthesisConfig

        voice, speaker = self._choose(utterance)
        own = voice.config.get("inference", {}).get("length_scale", 1)
        config = SynthesisConfig(
            speaker_id=speaker,
            length_scale=own / self._options.tts_speed / utterance.speed,
            noise_scale=self._options.tts_noise_scale,
        )
        pieces = list(_pieces(utterance))
        if not pieces:
            return
        with self._lease(voice) as model:
            for piece in pieces:
                yield from _speak(model, piece, config)

    def preload(self, models: Sequence[str]) -> None:
        """Loads the voices of these names. Raises ProviderMissing for one that is not there."""
        for name in models:
            if name not in self._voices.by_name:
                raise ProviderMissing(
                    f"There is no Piper voice {name} here.", f"speechbridge models pull piper {name}"
                )
            with self._lease(self._voices.by_name[name]):
                pass

    def resident(self) -> tuple[str, ...]:
        """Names of the voices that are loaded."""
        return self._pool.resident()

    def close(self) -> None:
        """Frees the voices that do not speak."""
        self._pool.close()

    def _choose(self, utterance: Utterance) -> tuple[Voice, int | None]:
        if utterance.language not in self._voices.by_language:
            raise LanguageError(
                f"Piper has no voice for {utterance.language} here.",
                f"It speaks {', '.join(sorted(self.languages()))}; for more: speechbridge models pull piper.",
            )
        name, _, asked = (utterance.voice or "").partition(":")
        own = self._voices.by_language[utterance.language]
        voice = self._voices.named(name, utterance.language) if name else own
        if not asked:
            return voice, voice.speaker(self._options.tts_speaker)
        speaker = voice.speaker(asked)
        if speaker is None:
            raise ProviderError(f"The voice {voice.name} has no speaker {asked[:64]!r}.", _speakers(voice))
        return voice, speaker

    def _check_speaker(self) -> None:
        asked, voices = self._options.tts_speaker, self._voices.by_language.values()
        if asked and all(voice.speaker(asked) is None for voice in voices):
            several = next((voice for voice in voices if voice.speakers), None)
            raise SettingsError(
                f"TTS_SPEAKER={asked} is a speaker of no voice in use.",
                f"{several.name}: {_speakers(several)}"
                if several
                else "Leave it empty: each has one speaker.",
            )

    def _lease(self, voice: Voice) -> AbstractContextManager[PiperVoice]:
        return self._pool.lease(voice.name, lambda: self._load(voice))

    def _load(self, voice: Voice) -> PiperVoice:
        import onnxruntime
        from piper import PiperConfig, PiperVoice

        hint = f"Fetch it again: speechbridge models pull piper {voice.name}"
        with loading(f"The voice {voice.model}", hint):
            session = onnxruntime.InferenceSession(
                str(voice.model), sess_options=session_options(self._options), providers=self._providers
            )
            config = PiperConfig.from_dict(dict(voice.config))
        asked, used = self._options.tts_device, session.get_providers()
        if asked.startswith("cuda") and CUDA not in used:
            raise no_gpu("tts", asked, used)
        return PiperVoice(session=session, config=config)


def _speakers(voice: Voice) -> str:
    """At most twenty by name: some voices have nine hundred."""
    if not voice.speakers:
        return "It has one speaker: give the name of the voice alone."
    rest = len(voice.speakers) - 20
    return f"Use one of: {', '.join(islice(voice.speakers, 20))}{f' and {rest} more' if rest > 0 else ''}."


def _pieces(utterance: Utterance) -> Iterator[str]:
    """What is spoken at once; "[[", which would let a text spell out phonemes, is taken apart."""
    text = re.sub(r"\[(?=\[)", "[ ", clean(utterance.text))
    for number, sentence in enumerate(sentences(text, utterance.language)):
        for said in clauses(sentence, FIRST) if utterance.soon and number == 0 else [sentence]:
            yield from parts(said, lambda part: len(part) <= LONGEST)


def _speak(model: PiperVoice, text: str, config: SynthesisConfig) -> Iterator[Audio]:
    try:
        for chunk in model.synthesize(text, config):
            yield Audio(chunk.audio_int16_bytes, chunk.sample_rate)
    except Exception as error:  # ONNX Runtime's have no common type
        code = "out_of_memory" if out_of_memory(error) else None
        raise ProviderError(
            f"Piper failed on a sentence of {len(text)} characters: {type(error).__name__} {error}.",
            code=code,
        ) from error
