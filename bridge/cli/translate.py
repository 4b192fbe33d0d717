"""`speechbridge translate FILE…`: recordings through the same protocol as the browser, results as files."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.results import NO_SPEECH, NO_SPEECH_HINT, report, spoken_segments, srt_file, summary, track
from bridge.cli.terminal import as_json
from bridge.errors import BridgeError
from bridge.settings import Settings
from bridge.types import Audio

if TYPE_CHECKING:
    from bridge.client import Result, Segment


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
        typer.echo(as_json(summary(path, result, tracks, written)))
    else:
        typer.echo("\n".join(report(path, result, order.realtime)))
        for file in written.values():
            typer.echo(f"  wrote {file}")
    return not any(segment.failures for segment in segments)


def _run(path: Path, duration_ms: float | None, url: str, order: Order) -> Result:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    from bridge import client
    from bridge.audio import decode

    with Progress(console=Console(stderr=True), transient=True, disable=_quiet(order)) as progress:
        task = progress.add_task(escape(path.name), total=duration_ms)
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


def _complain(path: Path, error: BridgeError, order: Order) -> None:
    """Says what failed on stderr; with --json also to whoever reads the results."""
    typer.echo(f"error: {path.name}: {error.message}", err=True)
    if error.hint:
        typer.echo(f"→ {error.hint}", err=True)
    if order.json:
        told = {"code": error.code, "message": error.message, "hint": error.hint}
        typer.echo(as_json({"file": str(path), "error": told}))
