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
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from bridge import options
from bridge.errors import LanguageError, ProviderError, ProviderMissing, SettingsError
from bridge.extras import install
from bridge.models.pool import Limits, Pool, loading, out_of_memory
from bridge.providers.device import device, split
from bridge.providers.onnx import CUDA, execution, no_gpu
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


class PiperOptions(options.Options):
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
    tts_speed: float = Field(1.0, ge=0.25, le=4, description="Speed of speech; 2 is twice as fast.")
    tts_noise_scale: float | None = Field(
        None,
        ge=0,
        le=2,
        description="Liveliness of the speech, 0 the same each time; unset, the voice's own.",
    )
    tts_speaker: str = Field(
        "", description="Speaker, by name or number, of voices that have several; empty, the voice's own."
    )
    tts_device: str = device(
        "tts", "Where the voices run: cpu, cuda, cuda:1; auto takes a GPU where ONNX Runtime can."
    )
    ort_optimization: Literal["disabled", "basic", "extended", "all"] = Field(
        "all", description="How far ONNX Runtime rewrites the network when it loads it."
    )
    ort_execution_mode: Literal["sequential", "parallel"] = Field(
        "sequential", description="Whether independent parts of the network run at once."
    )
    ort_cpu_mem_arena: bool = Field(
        False, description="Keep the memory of a sentence for the next: faster, and never given back."
    )
    ort_intra_op_threads: int = Field(
        1, ge=0, description="Threads of one operation, 0 for one per core; two save 8 % on a short sentence."
    )
    ort_inter_op_threads: int = Field(
        0, ge=0, description="Operations at once with ORT_EXECUTION_MODE=parallel, 0 for one per core."
    )
    ort_device_id: int | None = Field(
        None,
        ge=0,
        description="Number of the GPU among those the worker sees; unset, that of TTS_DEVICE or 0.",
    )
    ort_arena_strategy: Literal["kNextPowerOfTwo", "kSameAsRequested"] = Field(
        "kNextPowerOfTwo", description="How the memory taken on a GPU grows."
    )
    ort_gpu_mem_limit: int = Field(
        2_147_483_648, ge=1_048_576, description="Bytes that a voice may take on a GPU."
    )
    ort_cudnn_search: Literal["HEURISTIC", "EXHAUSTIVE", "DEFAULT"] = Field(
        "HEURISTIC",
        description="How cuDNN picks its convolutions; EXHAUSTIVE tries all anew for each new length.",
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


def session_options(options: PiperOptions) -> Any:
    """ONNX Runtime's SessionOptions of the ORT_* variables."""
    import onnxruntime as ort

    made = ort.SessionOptions()
    made.graph_optimization_level = {
        "disabled": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
        "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
        "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
        "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    }[options.ort_optimization]
    parallel = options.ort_execution_mode == "parallel"
    made.execution_mode = ort.ExecutionMode.ORT_PARALLEL if parallel else ort.ExecutionMode.ORT_SEQUENTIAL
    made.enable_cpu_mem_arena = options.ort_cpu_mem_arena
    made.intra_op_num_threads = options.ort_intra_op_threads
    made.inter_op_num_threads = options.ort_inter_op_threads
    return made


def chosen(options: PiperOptions, available: Sequence[str]) -> list[str | tuple[str, dict[str, Any]]]:
    """ONNX Runtime's providers with their options, in the order to try.

    Raises SettingsError for a GPU that is asked for where ONNX Runtime has no provider for one.
    """
    _, number = split(options.tts_device)
    gpu = {
        "device_id": number if options.ort_device_id is None else options.ort_device_id,
        "arena_extend_strategy": options.ort_arena_strategy,
        "gpu_mem_limit": options.ort_gpu_mem_limit,
        "cudnn_conv_algo_search": options.ort_cudnn_search,
    }
    names = execution("tts", options.tts_device, available)
    return [(CUDA, gpu) if name == CUDA else name for name in names]


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
