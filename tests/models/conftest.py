"""The small models, for the tests of the models themselves."""

from __future__ import annotations

from tests.models.fixtures import tiny_nllb, tiny_piper, tiny_whisper

__all__ = ["tiny_nllb", "tiny_piper", "tiny_whisper"]
