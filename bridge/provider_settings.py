"""The environment variables of which engine does the work, and of who takes it over."""

from __future__ import annotations

from pydantic import Field

from bridge.options import Options


class ProviderSettings(Options):
    """What of Settings concerns the choice of engines, to the workers."""

    stt_provider: str = Field(
        "pocketsphinx",
        description="Engine of the stt stage, or several, comma-separated: the next one takes a segment when "
        "the one before fails, is late, or lacks the language.",
        examples=["faster_whisper,pocketsphinx"],
    )
    translation_provider: str = Field(
        "apertium",
        description="Engine of the translation stage, or several as for stt.",
        examples=["deepl,nllb,apertium"],
    )
    tts_provider: str = Field(
        "espeak",
        description="Engine of the tts stage, or several as for stt.",
        examples=["elevenlabs,piper,espeak"],
    )
    fallback_ms: int = Field(
        3_000,
        ge=50,
        description="Milliseconds that an engine with another one behind it has for its first result, a text "
        "or the first piece of speech; half of the time that is left for the segment, where that is less. "
        "Deadlines of its own hold besides.",
    )
    circuit_breaker_threshold: int = Field(
        5,
        ge=1,
        description="Failures in a row, of all workers together, after which a provider is not asked for a "
        "while; where its quota is over, its key wrong, or it says when to come back, the first is enough.",
    )
    circuit_breaker_seconds: float = Field(
        10,
        gt=0,
        description="Seconds until one call tries such a provider again; twice as long after each try that "
        "fails, five minutes at most.",
    )
