"""Cues as the files that players read: SubRip and WebVTT."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.captions.cues import Cue


def srt(cues: Iterable[Cue]) -> str:
    """The content of an .srt file."""
    return "\n".join(
        "\n".join([str(number), _times(cue, ","), *cue.lines, ""]) for number, cue in enumerate(cues, start=1)
    )


def vtt(cues: Iterable[Cue]) -> str:
    """The content of a .vtt file; markup in a text is shown as it stands."""
    return "\n".join(["WEBVTT\n", *(f"{_times(cue, '.')}\n{_escaped(cue.lines)}\n" for cue in cues)])


def _escaped(lines: Iterable[str]) -> str:
    return "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _times(cue: Cue, point: str) -> str:
    return f"{_clock(cue.start_ms, point)} --> {_clock(cue.end_ms, point)}"


def _clock(ms: int, point: str) -> str:
    seconds, milliseconds = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{milliseconds:03}"
