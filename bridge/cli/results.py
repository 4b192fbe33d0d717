"""What a translated recording comes to: subtitles, one track of speech, a summary and a report."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.types import SAMPLE_BYTES, Audio

if TYPE_CHECKING:
    from bridge.client import Result, Segment

NO_SPEECH = "No speech was found."
NO_SPEECH_HINT = "Check the recording; VAD_AGGRESSIVENESS=0 and a lower VAD_MIN_SPEECH_MS keep more of it."
LINE_CHARACTERS = 42
CUE_LINES = 2
"""Two lines of 42 characters are what a viewer reads at a glance, by common subtitling guides."""


def spoken_segments(result: Result) -> list[Segment]:
    """The segments in spoken order in which words were found, or that failed."""
    ordered = (result.segments[seq] for seq in sorted(result.segments))
    return [segment for segment in ordered if segment.text or segment.failures]


def track(segments: Sequence[Segment], target: str) -> Audio | None:
    """The speech of all segments in one target, silence between them; None where there is none.

    A segment begins where the original one does, or later, when the one before is over.
    """
    rate = 0
    pcm = bytearray()
    for segment in segments:
        spoken = segment.translations.get(target)
        if spoken is None or not spoken.pcm:
            continue
        rate = spoken.rate
        start = int(segment.start_ms * rate / 1000) * SAMPLE_BYTES
        pcm += bytes(max(0, start - len(pcm)))
        pcm += spoken.pcm
    return Audio(bytes(pcm), rate) if pcm else None


def srt_file(segments: Sequence[Segment], target: str | None = None) -> str:
    """Subtitles in SubRip format, of the words spoken or of their translation.

    A long text becomes several cues of two lines that share the segment's time by their length.
    """
    cues: list[str] = []
    for segment in segments:
        spoken = segment.translations.get(target) if target else segment
        lines = textwrap.wrap(spoken.text.replace("-->", "→"), LINE_CHARACTERS) if spoken else []
        whole = sum(map(len, lines))
        length_ms = max(segment.end_ms - segment.start_ms, 1)
        said = 0
        for at in range(0, len(lines), CUE_LINES):
            shown = lines[at : at + CUE_LINES]
            start = segment.start_ms + length_ms * said / whole
            said += sum(map(len, shown))
            end = segment.start_ms + length_ms * said / whole
            cues.append("\n".join([str(len(cues) + 1), f"{_clock(start)} --> {_clock(end)}", *shown, ""]))
    return "\n".join(cues)


def _clock(ms: float) -> str:
    seconds, milliseconds = divmod(round(ms), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02},{milliseconds:03}"


def summary(
    path: Path, result: Result, tracks: Mapping[str, Audio | None], written: Mapping[str, Path]
) -> dict[str, Any]:
    """What --json prints of one file."""
    segments = spoken_segments(result)
    translations = {}
    for target, audio in tracks.items():
        texts = (segment.translations[target].text for segment in segments if target in segment.translations)
        file = written.get(f"{target}.wav")
        translations[target] = {
            "text": " ".join(text for text in texts if text),
            "audio": str(file) if file else None,
            "audio_ms": round(audio.ms, 1) if audio else 0,
        }
    return {
        "file": str(path),
        "text": " ".join(segment.text for segment in segments if segment.text),
        "translations": translations,
        "segments": [_segment_summary(segment) for segment in segments],
        "providers": result.started.providers,
    }


def _segment_summary(segment: Segment) -> dict[str, Any]:
    return {
        "seq": segment.seq,
        "start_ms": segment.start_ms,
        "end_ms": segment.end_ms,
        "language": segment.language,
        "text": segment.text,
        "translations": {
            target: {"text": spoken.text, "audio_ms": round(spoken.audio_ms, 1)}
            for target, spoken in segment.translations.items()
        },
        "timings_ms": segment.timings_ms,
        "failures": [
            failure.model_dump(include={"target", "stage", "code", "message", "retryable"})
            for failure in segment.failures
        ],
    }


def report(path: Path, result: Result, realtime: bool) -> Iterator[str]:
    """The lines that people read of one file."""
    engines = ", ".join(result.started.providers.values())
    segments = spoken_segments(result)
    yield f"{path.name} ({engines})"
    if not segments:
        yield f"  {NO_SPEECH}"
        yield f"  → {NO_SPEECH_HINT}"
    for segment in segments:
        yield f"  {_place(segment.start_ms)} to {_place(segment.end_ms)}  {segment.text}"
        for target, spoken in segment.translations.items():
            yield f"      {target}  {spoken.text}"
        for failure in segment.failures:
            yield f"      {failure.target or 'all'}  failed at {failure.stage}: {failure.message}"
        times = ", ".join(f"{name} {ms:.0f}" for name, ms in segment.timings_ms.items())
        if times:
            yield f"      ms  {times}"
    if segments and not realtime:
        yield "  The file was sent faster than speech; --realtime shows the latency of a live speaker."


def _place(ms: float) -> str:
    minutes, tenths = divmod(round(ms / 100), 600)
    return f"{minutes}:{tenths // 10:02}.{tenths % 10}"
