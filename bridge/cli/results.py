"""What is told of a translated recording: a summary for programs, a report for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.cli.products import Products
    from bridge.client import Result, Segment
    from bridge.dubbing import Track

NO_SPEECH = "No speech was found."
NO_SPEECH_HINT = "Check the recording; VAD_AGGRESSIVENESS=0 and a lower VAD_MIN_SPEECH_MS keep more of it."
UNHEARD = "No speech was heard: nobody listened in the room, or there was none."
UNHEARD_HINT = "What is said is recognised only while somebody listens; let them join first."


def silence(result: Result) -> tuple[str, str]:
    """Why there may be no words, and what to do."""
    return (UNHEARD, UNHEARD_HINT) if result.started.config.room else (NO_SPEECH, NO_SPEECH_HINT)


def spoken_segments(result: Result) -> list[Segment]:
    """The segments in spoken order in which words were found, or that failed."""
    ordered = (result.segments[seq] for seq in sorted(result.segments))
    return [segment for segment in ordered if segment.text or segment.failures]


def summary(path: Path, result: Result, made: Products) -> dict[str, Any]:
    """What --json prints of one file."""
    segments = spoken_segments(result)
    translations = {}
    for target, track in made.tracks.items():
        texts = (segment.translations[target].text for segment in segments if target in segment.translations)
        file = made.written.get(f"{target}.wav")
        translations[target] = {
            "text": " ".join(text for text in texts if text),
            "audio": str(file) if file else None,
            "audio_ms": round(track.ms, 1) if track else 0,
            "greatest_lag_ms": round(track.lag_ms, 1) if track else 0,
            "greatest_speed": round(track.speed, 2) if track else 1,
        }
    return {
        "file": str(path),
        "text": " ".join(segment.text for segment in segments if segment.text),
        "translations": translations,
        "segments": [_segment_summary(segment) for segment in segments],
        "providers": result.started.providers,
        "written": [str(file) for file in made.written.values()],
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
        what, hint = silence(result)
        yield f"  {what}"
        yield f"  → {hint}"
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


def products_report(made: Products) -> Iterator[str]:
    """The lines that people read of the files made of one recording."""
    for target, track in made.tracks.items():
        if track is not None and made.written:
            yield f"  {target}  {_lateness(track)}"
    for left_out in made.left_out:
        yield f"  left out of the film: {left_out}"
    for file in made.written.values():
        yield f"  wrote {file}"


def _lateness(track: Track) -> str:
    """How close the spoken translation keeps to the original."""
    late = f"at most {track.lag_ms / 1000:.1f} s after the original" if track.lag_ms >= 50 else "on time"
    faster = f", spoken up to {track.speed:.2f} times as fast" if track.speed >= 1.005 else ""
    return f"each sentence begins {late}{faster}"
