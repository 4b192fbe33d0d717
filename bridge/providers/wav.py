"""Speech as a file in memory, for servers that take files."""

from __future__ import annotations

import io
import wave

from bridge.types import SAMPLE_BYTES, Audio


def wav(audio: Audio) -> bytes:
    """The samples behind the header that says what they are."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(audio.rate)
        file.writeframes(audio.pcm)
    return written.getvalue()
