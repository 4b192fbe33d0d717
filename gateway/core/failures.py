"""What listeners are told of speech that no decision names: it is not kept, or nobody is left to decide."""

from __future__ import annotations

from gateway.core import sequencer
from gateway.core.effects import Failed


def overheld(segment: int) -> Failed:
    """Playback is paused for too long."""
    most = f"{sequencer.HELD_SEGMENTS} segments or {sequencer.HELD_BYTES // 1_000_000} MB"
    message = f"Playback is paused, and more waits to be heard than is kept: {most}."
    return Failed(segment, None, "tts", "held_too_long", message, False)


def lost(segment: int) -> Failed:
    """Its speaker's gateway is gone for good."""
    message = "The gateway of its speaker is gone, and no other took over in time."
    return Failed(segment, None, "tts", "lost", message, False)
