"""The small Whisper of tests/models, for the tests of this folder."""

from __future__ import annotations

from tests.models.fixtures import tiny_whisper as tiny_whisper
