"""The environment variables of listening and speaking: how speech is cut, and when and how it is heard."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field

from bridge.options import Options
from bridge.types import Rate

VAD_THRESHOLDS = (0.35, 0.5, 0.65, 0.8)
"""The threshold of each VAD_AGGRESSIVENESS."""


class SpeechSettings(Options):
    """What of Settings concerns speech, to the gateway."""

    # A variable is text, which is none of the numbers of a Literal.
    sample_rate: Annotated[Rate, BeforeValidator(int)] = Field(
        24_000, description="Hz of the audio sent to a client that does not ask for a rate."
    )

    # Pacing
    pacing: Literal["burst", "realtime"] = Field(
        "burst",
        description="How speech is sent to a client that does not ask: as soon as it is there, or in frames "
        "at the rate at which it is heard (`realtime`), for clients without a buffer of their own.",
    )
    frame_ms: int = Field(
        20, ge=10, le=200, description="Length of a frame of speech that is sent at the rate of hearing."
    )

    vad_threshold: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Probability from which a 32 ms window counts as speech; wins over VAD_AGGRESSIVENESS.",
    )
    vad_aggressiveness: int = Field(
        1,
        ge=0,
        le=3,
        description="0 keeps quiet speech, 3 keeps out most noise: threshold 0.35, 0.5, 0.65, 0.8.",
    )
    vad_min_speech_ms: int = Field(
        250, ge=32, le=5_000, description="Shorter speech is taken for noise and dropped."
    )
    vad_min_silence_ms: int = Field(
        300,
        ge=32,
        le=10_000,
        description="Silence that ends a segment, with ENDPOINT=adaptive the longest, in whole windows of "
        "32 ms: most of the latency.",
    )
    vad_padding_ms: int = Field(
        300,
        ge=0,
        le=2_000,
        description="Audio kept before the speech of a segment; after it, DRAFT_SILENCE_MS at most.",
    )
    vad_max_segment_ms: int = Field(
        10_000,
        ge=1_000,
        le=60_000,
        description="Longer speech is cut at the quietest point of its last third (3 s at most).",
    )

    drafts: bool = Field(
        True,
        description="Begin a segment's work at the first silence, so that its speech is there when its end "
        "is certain; what was begun in vain is lost work.",
    )
    draft_silence_ms: int = Field(
        100,
        ge=32,
        le=1_000,
        description="Silence after which a draft is begun; no segment keeps more of it at its end.",
    )
    partials: bool = Field(
        True,
        description="Show words while they are spoken to clients that ask for it, where engines have room.",
    )
    partial_ms: int = Field(
        500, ge=100, le=10_000, description="Time between two looks at the words of speech that goes on."
    )
    clause_ms: int = Field(
        4_000,
        ge=0,
        le=60_000,
        description="Live speech without a pause is cut clause by clause once it has lasted so long, half as "
        "long again at most; 0 waits for a pause or VAD_MAX_SEGMENT_MS.",
    )

    # What was said before
    context_segments: int = Field(
        2,
        ge=0,
        le=10,
        validation_alias=AliasChoices("context_segments", "context_turns", "max_history"),
        description="Segments of the same speaker just before that are told to translation engines which "
        "understand better with them, 400 characters at most; 0 tells none.",
    )
    context_timeout_seconds: float = Field(
        180,
        gt=0,
        validation_alias=AliasChoices("context_timeout_seconds", "context_timeout"),
        description="Time after which what was said before is forgotten.",
    )

    # Barge-in and echo
    barge_in: Literal["off", "pause", "stop"] = Field(
        "off",
        description="What the speech of somebody who also listens does to what is spoken to them, where the "
        "client does not say: nothing, hold it back while they speak, or drop it.",
    )
    echo_guard: bool = Field(
        True,
        description="Leave out what the microphone hears of the speech that is played beside it. It concerns "
        "those who speak and listen.",
    )
    speech_rate_most: float = Field(
        1.25,
        ge=1,
        le=2,
        description="How many times faster than its own pace a voice may speak to catch up; 1 never does.",
    )
    catch_up_ms: int = Field(
        2_000,
        ge=100,
        le=60_000,
        description="Speech that may wait for a listener at its own pace; where twice as much waits it is as "
        "fast as SPEECH_RATE_MOST says.",
    )

    endpoint: Literal["fixed", "adaptive"] = Field(
        "adaptive",
        description="`adaptive`: less silence ends a segment where the speaker pauses little and where the "
        "draft's text is complete, from ENDPOINT_LEAST_MS to VAD_MIN_SILENCE_MS; `fixed`: always the latter.",
    )
    endpoint_least_ms: int = Field(
        250,
        ge=32,
        le=10_000,
        description="Least silence that ends a segment with ENDPOINT=adaptive. No text is known before "
        "DRAFT_SILENCE_MS and the time of stt are over.",
    )

    lateness_ms: int = Field(
        10_000,
        ge=500,
        le=60_000,
        description="Time from the end of live speech to the first sound of its translation; what would come "
        "later is left out, with notice.",
    )
    shed: bool = Field(
        True,
        description="Leave work out under pressure, so that speech keeps LATENESS_MS, and refuse sessions "
        "that the engines have no time for; off, all is served, however late.",
    )

    @property
    def budget(self) -> float:
        """Seconds from the end of live speech to its first sound at most; 0: it is never too late."""
        return self.lateness_ms / 1000 if self.shed else 0.0

    @property
    def threshold(self) -> float:
        """The VAD threshold in force."""
        by_level = VAD_THRESHOLDS[self.vad_aggressiveness]
        return self.vad_threshold if self.vad_threshold is not None else by_level
