"""Dubbing: where the spoken translation lies in a recording, and a copy of the film that has it."""

from bridge.dubbing.track import Line, Track, dubbed

__all__ = ["Line", "Track", "dubbed"]
