"""The variables of faster_whisper, and which of them do nothing beside the others."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import AliasChoices, Field, field_validator

from bridge import options
from bridge.providers.device import device
from bridge.providers.flash import flash_attention


class FasterWhisperOptions(options.Options):
    """Which model runs where, how it searches, and what it must not be trusted with."""

    stt_model_size: str = Field(
        "base",
        min_length=1,
        validation_alias=AliasChoices("stt_model_size", "model_size"),
        description="Whisper model: a size, a repository that was pulled, or a folder.",
        examples=["tiny", "small.en", "large-v3-turbo", "distil-large-v3", "/models/whisper-base"],
    )
    stt_device: str = device(
        "stt", "Where it runs: cpu, cuda, cuda:1; auto takes the first GPU if there is one."
    )
    stt_compute_type: str = Field(
        "auto",
        validation_alias=AliasChoices("stt_compute_type", "compute_type"),
        description="Number format: auto is the fastest of the device, default that of the model's files.",
        examples=["int8", "float16", "float32", "int8_float16"],
    )
    stt_flash_attention: bool = flash_attention(
        "stt",
        "Attention that takes less of a GPU's memory, where CTranslate2 was built with it; else refused.",
    )
    stt_beam_size: int = Field(
        1,
        ge=1,
        le=20,
        validation_alias=AliasChoices("stt_beam_size", "beam_size"),
        description="Hypotheses followed at once at temperature 0; 1 is fastest.",
    )
    stt_best_of: int | None = Field(
        None,
        ge=1,
        le=20,
        validation_alias=AliasChoices("stt_best_of", "best_of"),
        description="Texts drawn at a temperature above 0, of which the likeliest is taken; unset, 1.",
    )
    stt_temperature: str = Field(
        "0",
        validation_alias=AliasChoices("stt_temperature", "temperature"),
        description="Randomness, 0 to 1; of a list the next is tried where a text is a loop or unlikely.",
        examples=["0,0.4,0.8"],
    )
    stt_vad_filter: bool = Field(
        False,
        validation_alias=AliasChoices("stt_vad_filter", "vad_filter"),
        description="Cut what is no speech out of a segment before it is recognised, by VAD_THRESHOLD.",
    )
    stt_num_workers: int = Field(
        1,
        ge=1,
        le=64,
        validation_alias=AliasChoices("stt_num_workers", "num_workers"),
        description="Segments decoded at once; makes none of them faster.",
    )
    stt_cpu_threads: int = Field(
        0,
        ge=0,
        le=256,
        validation_alias=AliasChoices("stt_cpu_threads", "cpu_threads"),
        description="Threads of one decoding on the CPU; 0 leaves it to the engine, 4 at most.",
    )
    stt_batch_size: int = Field(
        1,
        ge=1,
        le=64,
        validation_alias=AliasChoices("stt_batch_size", "batch_size"),
        description="Segments put into one run of the model where several wait; no gain on a CPU.",
    )
    stt_languages: str = Field(
        "",
        description="Languages that detection may choose among where the client names no two,"
        " comma-separated; empty, all of the model.",
        examples=["en,es"],
    )
    stt_short_window: bool = Field(
        False,
        description="Encode as much as was said and not 30 s: much faster, perhaps less accurate.",
    )
    stt_no_speech_threshold: float = Field(
        0.6,
        ge=0,
        le=1,
        description="Probability of no speech above which an unlikely text is dropped; 1 drops none.",
    )
    stt_log_prob_threshold: float = Field(
        -1.0,
        le=0,
        description="Mean log probability of the tokens from which a text is no longer unlikely.",
    )
    stt_compression_ratio_threshold: float = Field(
        2.4,
        ge=1,
        description="A text that zlib makes so many times shorter is a loop and dropped.",
    )

    @field_validator("stt_temperature")
    @classmethod
    def _numbers(cls, value: str) -> str:
        for part in value.split(","):
            try:
                known = 0 <= float(part) <= 1
            except ValueError:
                known = False
            if not known:
                raise ValueError("give a number from 0 to 1, or several with commas: 0,0.4,0.8")
        return value

    @property
    def temperatures(self) -> tuple[float, ...]:
        return tuple(float(part) for part in self.stt_temperature.split(","))


def without_effect(options: FasterWhisperOptions, used: str) -> Iterator[str]:
    """One sentence for each option that is set and does nothing beside the others."""
    if options.stt_best_of and not any(options.temperatures):
        yield "STT_BEST_OF has no effect at STT_TEMPERATURE=0: one text only is the likeliest."
    if options.stt_beam_size > 1 and 0 not in options.temperatures:
        yield "STT_BEAM_SIZE has no effect without 0 in STT_TEMPERATURE: texts are drawn, not searched."
    if options.stt_cpu_threads and used != "cpu":
        yield "STT_CPU_THREADS has no effect on a GPU."
