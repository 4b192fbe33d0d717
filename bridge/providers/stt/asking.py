"""What a Whisper is asked about one window of speech, and what is known of its language."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bridge.providers.stt import detection
from bridge.providers.stt.whisper import Features


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is known of the language: its `code`, or what is `allowed` and what was spoken before."""

    code: str | None
    allowed: Collection[str]
    prior: str | None

    def decided(self, likely: Mapping[str, float]) -> str:
        """The code of what is spoken, by how likely each is."""
        return self.code or detection.spoken(likely, self.allowed, self.prior)


@dataclass(frozen=True, slots=True)
class Ask:
    """One window, and what is known of its language; `quick` takes the first text, of one hypothesis."""

    features: Features
    spoken: Spoken
    quick: bool = False
