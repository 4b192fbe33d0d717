"""Subtitles: where a text may be broken, what is shown when, and the files that players read."""

from bridge.captions.cues import Cue, Said, cues
from bridge.captions.files import srt, vtt

__all__ = ["Cue", "Said", "cues", "srt", "vtt"]
