"""What is said of speech that nobody hears, for reasons that lie with those who listen or decide."""

from __future__ import annotations

from gateway.core import sequencer
from gateway.core.effects import Failed


def overheld(segment: int) -> Failed:
    """A pause lasts too long."""
    most = f"{sequencer.HELD_SEGMENTS} segments or {sequencer.HELD_BYTES // 1_000_000} MB"
    message = f"Playback is paused, and more waits to be heard than is kept: {most}."
    return Failed(segment, None, "tts", "held_too_long", message, False)


def lost(segment: int) -> Failed:
    """Nobody is left who could give it up."""
    message = "The gateway of its speaker is gone, and no other took over in time."
    return Failed(segment, None, "tts", "lost", message, False)
