"""`speechbridge translate FILE…`: recordings through the same protocol as the browser, results as files."""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.errors import BridgeError
from bridge.settings import Settings
from bridge.types import SAMPLE_BYTES, Audio

if TYPE_CHECKING:
    from bridge.cli.client import Result, Segment

NO_SPEECH = "No speech was found."
NO_SPEECH_HINT = "Check the recording; VAD_AGGRESSIVENESS=0 and a lower VAD_MIN_SPEECH_MS keep more of it."
LINE_CHARACTERS = 42
CUE_LINES = 2
"""Two lines of 42 characters are what a viewer reads at a glance, by common subtitling guides."""


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for on the command line."""

    source: str
    targets: Sequence[str]
    output: Path | None
    srt: bool
    json: bool
    realtime: bool


def translate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Recordings or films of any format.")],
    source: Annotated[
        str, typer.Option("--from", metavar="TAG", help="Language spoken; auto where the engine detects it.")
    ] = "en",
    to: Annotated[str, typer.Option("--to", metavar="TAG,...", help="Languages to translate into.")] = "es",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Folder for FILE.TAG.wav.")
    ] = None,
    srt: Annotated[bool, typer.Option("--srt", help="Write subtitles FILE.TAG.srt too; needs -o.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line for each file, nothing else.")
    ] = False,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Send at the speed of speech, so that latencies are true.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A running gateway; without it one is started and stopped."),
    ] = None,
) -> None:
    """Translate recordings: transcript, translations and spoken translations.

    Each spoken segment begins where the original one does, or after the one before.

    Exit code 0: everything was translated, or there was no speech in it.

    Exit code 1: a file, or a part of one, could not be translated.

    Exit code 2: the command line is wrong.
    """
    targets = [tag.strip() for tag in to.split(",") if tag.strip()]
    order = Order(source, targets, output, srt, as_json, realtime)
    _check(files, order)
    sound = list(_readable(files, order))
    failed = len(sound) < len(files)
    if sound:
        with _gateway(url, order) as address:
            for path, duration_ms in sound:
                failed |= not _one(path, duration_ms, address, order)
    raise typer.Exit(1 if failed else 0)


def _check(files: Sequence[Path], order: Order) -> None:
    """Refuses a command line that would do something else than it seems to."""
    if not order.targets:
        raise typer.BadParameter("names no language; write for example --to es,ca", param_hint="--to")
    if order.srt and order.output is None:
        raise typer.BadParameter("needs a folder to write to: add -o DIR", param_hint="--srt")
    if order.output is None:
        return
    stems = [path.stem for path in files]
    for stem in stems:
        if stems.count(stem) > 1:
            raise typer.BadParameter(
                f"two files are called {stem} and would write over each other; translate one at a time"
            )
    with _writing(order.output):
        order.output.mkdir(parents=True, exist_ok=True)


def _readable(files: Sequence[Path], order: Order) -> Iterator[tuple[Path, float | None]]:
    """The files that hold sound, with their length; says what is wrong with the others."""
    from bridge.audio import duration_ms

    for path in files:
        try:
            yield path, duration_ms(path)
        except BridgeError as error:
            _complain(path, error, order)


@contextmanager
def _gateway(url: str | None, order: Order) -> Iterator[str]:
    if url is not None:
        yield url
        return
    from rich.console import Console

    from bridge.cli.stack import stack

    with ExitStack() as running:
        with Console(stderr=True, quiet=_quiet(order)).status("starting Redis, workers and a gateway"):
            address = running.enter_context(stack(Settings.read()))
        yield address


def _quiet(order: Order) -> bool:
    return order.json or not sys.stderr.isatty()


def _one(path: Path, duration_ms: float | None, url: str, order: Order) -> bool:
    """Translates and reports one file; False where any of it failed."""
    try:
        result = _run(path, duration_ms, url, order)
        segments = spoken_segments(result)
        tracks = {target: track(segments, target) for target in result.targets}
        written = _write(path, order, segments, tracks) if segments and order.output else {}
    except BridgeError as error:
        _complain(path, error, order)
        return False
    for notice in result.notices:
        if notice.code == "no_speech":
            continue  # the report says it in words that fit a recording
        typer.echo(f"{notice.type}: {path.name}: {notice.message} {notice.hint}".rstrip(), err=True)
    if order.json:
        if not segments:
            typer.echo(f"warning: {path.name}: {NO_SPEECH} {NO_SPEECH_HINT}", err=True)
        typer.echo(json.dumps(summary(path, result, tracks, written), ensure_ascii=False))
    else:
        typer.echo("\n".join(report(path, result, order.realtime)))
        for file in written.values():
            typer.echo(f"  wrote {file}")
    return not any(segment.failures for segment in segments)


def _run(path: Path, duration_ms: float | None, url: str, order: Order) -> Result:
    from rich.console import Console
    from rich.progress import Progress

    from bridge.audio import decode
    from bridge.cli import client

    with Progress(console=Console(stderr=True), transient=True, disable=_quiet(order)) as progress:
        task = progress.add_task(path.name, total=duration_ms)
        return asyncio.run(
            client.translate(
                url,
                decode(path),
                order.source,
                order.targets,
                realtime=order.realtime,
                on_progress=lambda done_ms: progress.update(task, completed=done_ms),
            )
        )


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


def _write(
    path: Path, order: Order, segments: Sequence[Segment], tracks: Mapping[str, Audio | None]
) -> dict[str, Path]:
    """Writes all files of one recording; their paths by what is behind the stem: `es.wav`, `en.srt`."""
    from bridge.audio import wav

    contents = {f"{target}.wav": wav(audio) for target, audio in tracks.items() if audio}
    if order.srt:
        language = next((segment.language for segment in segments if segment.language), order.source)
        contents[f"{language}.srt"] = srt_file(segments).encode()
        contents |= {f"{target}.srt": srt_file(segments, target).encode() for target in tracks}
    assert order.output is not None
    written = {}
    with _writing(order.output):
        for name, content in contents.items():
            written[name] = order.output / f"{path.stem}.{name}"
            written[name].write_bytes(content)
    return written


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BridgeError(
            f"{error.filename or folder} cannot be written: {error.strerror}.",
            "Give another folder with -o.",
            code="bad_output",
        ) from None


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


def _complain(path: Path, error: BridgeError, order: Order) -> None:
    """Says what failed on stderr; with --json also to whoever reads the results."""
    typer.echo(f"error: {path.name}: {error.message}", err=True)
    if error.hint:
        typer.echo(f"→ {error.hint}", err=True)
    if order.json:
        told = {"code": error.code, "message": error.message, "hint": error.hint}
        typer.echo(json.dumps({"file": str(path), "error": told}, ensure_ascii=False))
