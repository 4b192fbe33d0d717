"""The environment variables of what a benchmark has to reach to pass."""

from __future__ import annotations

from pydantic import Field

from bridge.options import Options


class ObjectiveSettings(Options):
    """What of Settings says how good is good enough; presets set what fits their engines."""

    slo_first_audio_ms: float = Field(
        300,
        gt=0,
        description="p95 from the translated text to its first sound, all waits in queues included, "
        "below which `bench` passes.",
    )
    slo_segment_ms: float = Field(
        400,
        gt=0,
        description="p95 from the end of speech to the first sound, less the silence that ends a segment, "
        "below which `bench` passes.",
    )
    slo_barge_in_ms: float = Field(
        50,
        gt=0,
        description="p95 from the decision that the listener speaks to the worker's acknowledgement, "
        "for `bench` to pass.",
    )
    slo_control_ms: float = Field(
        20, gt=0, description="p95 from a pause that is asked for to its answer, for `bench` to pass."
    )
    slo_jitter_ms: float = Field(
        10, gt=0, description="p95 of the jitter of audio frames, below which `bench` passes."
    )
    slo_drop_ratio: float = Field(
        0.005, gt=0, le=1, description="Share of audio frames that are dropped, below which `bench` passes."
    )
    slo_rtf: float = Field(
        0.3, gt=0, description="p95 of engine time to the time of speech, below which `bench` passes."
    )
    slo_sessions: int = Field(
        3, ge=1, description="Sessions at once within the objectives, from which on `bench` passes."
    )
