"""`speechbridge translate FILE…`: recordings through the same protocol as the browser, results as files."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.hearing import Bar, Heard, no_fault_ends_the_run
from bridge.cli.results import NO_SPEECH, NO_SPEECH_HINT, report, spoken_segments, srt_file, summary, track
from bridge.errors import BridgeError, GatewayError
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
    track: int | None = None


def translate(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Recordings or films of any format; - reads standard input."),
    ],
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
    number: Annotated[
        int | None,
        typer.Option(
            "--track", metavar="N", min=1, help="Sound track of a film, from 1; else by language, default."
        ),
    ] = None,
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
    order = Order(source, targets, output, srt, as_json, realtime, number)
    _check(files, order)
    sound = list(_readable(files, order))
    failed = len(sound) < len(files)
    if sound:
        with _gateway(url, order) as address:
            for heard in sound:
                failed |= not _one(heard, address, order)
    raise typer.Exit(1 if failed else 0)


def _check(files: Sequence[Path], order: Order) -> None:
    """Refuses a command line that would do something else than it seems to."""
    if not order.targets:
        raise typer.BadParameter("names no language; write for example --to es,ca", param_hint="--to")
    if order.srt and order.output is None:
        raise typer.BadParameter("needs a folder to write to: add -o DIR", param_hint="--srt")
    if order.output is None:
        return
    stems = [Heard(path, order.source).name.stem for path in files]
    for stem in stems:
        if stems.count(stem) > 1:
            raise typer.BadParameter(
                f"two files are called {stem} and would write over each other; translate one at a time"
            )
    with _writing(order.output):
        order.output.mkdir(parents=True, exist_ok=True)


def _readable(files: Sequence[Path], order: Order) -> Iterator[Heard]:
    """What holds sound, as far as that can be known before it is read; says what is wrong with the others."""
    for path in files:
        heard = Heard(path, order.source, order.track)
        try:
            with no_fault_ends_the_run():
                heard.look()
            yield heard
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


def _one(heard: Heard, url: str, order: Order) -> bool:
    """Translates and reports one recording; False where any of it failed. What was finished is kept."""
    path = heard.name
    try:
        with no_fault_ends_the_run():
            result = _run(heard, url, order)
            segments = spoken_segments(result)
            if result.failure is not None and not segments:
                raise result.failure
            tracks = {target: track(segments, target) for target in result.targets}
            written = _write(path, order, segments, tracks) if segments and order.output else {}
    except BridgeError as error:
        _complain(heard.path, error, order)
        return False
    _tell(heard, result, tracks, written, order)
    return result.failure is None and not any(segment.failures for segment in segments)


def _tell(
    heard: Heard,
    result: Result,
    tracks: Mapping[str, Audio | None],
    written: Mapping[str, Path],
    order: Order,
) -> None:
    """Prints what came of one recording."""
    path = heard.name
    for notice in result.notices:
        if notice.code == "no_speech":
            continue  # the report says it in words that fit a recording
        typer.echo(f"{notice.type}: {path.name}: {notice.message} {notice.hint}".rstrip(), err=True)
    if order.json:
        if not spoken_segments(result):
            typer.echo(f"warning: {path.name}: {NO_SPEECH} {NO_SPEECH_HINT}", err=True)
        told = summary(heard.path, result, tracks, written) | heard.summary()
        if result.failure is not None:
            told["error"] = _told(result.failure)
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        typer.echo("\n".join(report(path, result, order.realtime)))
        if choice := heard.choice():
            typer.echo(f"  {choice}")
        for file in written.values():
            typer.echo(f"  wrote {file}")
    if result.failure is not None:
        _say(path, result.failure)


def _run(heard: Heard, url: str, order: Order) -> Result:
    from rich.console import Console
    from rich.progress import Progress

    from bridge import client

    console = Console(stderr=True)

    def lost(error: GatewayError, ms: float) -> None:
        place = f"{int(ms) // 60_000}:{int(ms) // 1000 % 60:02}"
        console.print(
            f"warning: {heard.name.name}: {error.message} It goes on from {place} in a new session.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

    with Progress(console=console, transient=True, disable=_quiet(order)) as progress:
        bar = Bar(progress, heard)
        result = asyncio.run(
            client.translate_recording(
                client.Wish(url, order.source, order.targets, order.realtime),
                heard.blocks(),
                on_segment=lambda segment: bar.reach(segment.end_ms),
                on_lost=lost,
            )
        )
        if result.failure is None:
            bar.end()
        return result


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
    _say(path, error)
    if order.json:
        typer.echo(json.dumps({"file": str(path), "error": _told(error)}, ensure_ascii=False))


def _say(path: Path, error: BridgeError) -> None:
    from bridge.media import name_of

    typer.echo(f"error: {name_of(path).name}: {error.message}", err=True)
    if error.hint:
        typer.echo(f"→ {error.hint}", err=True)


def _told(error: BridgeError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "hint": error.hint}
