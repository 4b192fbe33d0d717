"""What those who listen are told of speech that will not come."""

from __future__ import annotations

from bridge.types import Decision
from gateway.core import effects, sequencer


def failed(segment: int, decision: Decision) -> effects.Failed:
    """Its speaker's gateway gave it up."""
    stage, code = decision.stage or "tts", decision.code
    return effects.Failed(segment, decision.target, stage, code, decision.message, decision.retryable)


def overheld(segment: int) -> effects.Failed:
    """Playback was paused for too long."""
    most = f"{sequencer.HELD_SEGMENTS} segments or {sequencer.HELD_BYTES // 1_000_000} MB"
    message = f"Playback is paused, and more waits to be heard than is kept: {most}."
    return effects.Failed(segment, None, "tts", "held_too_long", message, False)


def lost(segment: int) -> effects.Failed:
    """Nobody is left to give it up."""
    message = "The gateway of its speaker is gone, and no other took over in time."
    return effects.Failed(segment, None, "tts", "lost", message, False)
