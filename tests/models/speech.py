"""Spoken phrases for training and testing the small models: espeak's voices at 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import soxr
from numpy.typing import NDArray

from bridge.providers.tts.espeak import library
from bridge.types import SPEECH_RATE

Samples: TypeAlias = NDArray[np.float32]


VOICES = {"en": ["en-us", "en-gb-scotland", "en-029", "en-gb-x-rp"], "es": ["es", "es-419"]}
VARIANTS = [
    "m1", "m2", "m3", "m4", "m5", "m6", "m8", "f1", "f2", "f3", "f5", "klatt", "klatt2", "klatt4",
    "croak", "adam", "anika", "belinda", "benjamin", "boris", "caleb", "david", "Denis", "edward",
    "Gene", "grandma", "grandpa", "Hugo", "iven", "iven3", "john", "kaukovalta", "linda", "marcelo",
    "max", "michel", "miguel", "Mike", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro",
    "steph", "steph3", "travis", "victor", "zac",
]  # fmt: skip
"""What the small Whisper learnt from; m7, f4, Annie and Alex, among others, are left to the tests."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One of espeak's voices, such as `en-us+m3`, at a rate in words per minute and a pitch of 0 to 99."""

    name: str
    rate: int = 175
    pitch: int = 50


def say(text: str, voice: Voice) -> Samples:
    """Mono samples at 16 kHz, within -1 and 1. Raises ProviderError for an unknown voice."""
    espeak = library()
    pieces: list[bytes] = []

    def take(pcm: bytes) -> bool:
        pieces.append(pcm)
        return False

    espeak.speak(text, voice.name, voice.rate, voice.pitch, take)
    samples = np.frombuffer(b"".join(pieces), np.int16).astype(np.float32) / 32768
    resampled: Samples = soxr.resample(samples, espeak.rate, SPEECH_RATE).astype(np.float32)
    return resampled
