"""`speechbridge translate FILE…`: recordings through the same protocol as the browser, results as files."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.hearing import Heard, no_fault_ends_the_run
from bridge.cli.order import Order
from bridge.errors import BridgeError
from bridge.settings import Settings

if TYPE_CHECKING:
    from bridge.cli.run import Run


def translate(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Recordings or films of any format; - reads standard input."),
    ],
    source: Annotated[
        str, typer.Option("--from", metavar="TAG", help="Language spoken; auto where the engine detects it.")
    ] = "en",
    to: Annotated[str, typer.Option("--to", metavar="TAG,...", help="Languages to translate into.")] = "es",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder for FILE.TAG.wav and all else written."),
    ] = None,
    srt: Annotated[
        bool, typer.Option("--srt", help="Write subtitles FILE.TAG.srt, beside the file or in DIR.")
    ] = False,
    vtt: Annotated[bool, typer.Option("--vtt", help="Write subtitles FILE.TAG.vtt.")] = False,
    dub: Annotated[
        bool,
        typer.Option("--dub", help="Write a copy of the film with the translation spoken, FILE.TAG.mkv."),
    ] = False,
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
    resume: Annotated[
        bool, typer.Option("--resume", help="Leave out files that were done before with these options.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            metavar="N",
            min=1,
            help="Files at once; by default what the server has engines for.",
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A running gateway; without it one is started and stopped."),
    ] = None,
    room: Annotated[
        str | None,
        typer.Option(metavar="LINK", help="Speak into a room, by its link for speaking, as a person would."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who speaks in the room; else the name of the file.")
    ] = None,
) -> None:
    """Translate recordings: transcript, translations and spoken translations.

    Each spoken segment begins where the original one does, or as little later as it can.

    Exit code 0: everything was translated, or there was no speech in it.

    Exit code 1: a file, or a part of one, could not be translated.

    Exit code 2: the command line is wrong.

    Exit code 130: it was interrupted; --resume goes on.
    """
    from bridge.cli.run import Run

    targets = [tag.strip() for tag in to.split(",") if tag.strip()]
    order = Order(source, targets, output, srt, vtt, dub, as_json, realtime, number, resume, jobs)
    if room is not None:
        order = _in_room(context, replace(order, targets=(), realtime=True, jobs=1), room, name)
        url = order.room.gateway if order.room else None
    else:
        _check(files, order)
    run = Run(order)
    waiting = [path for path in files if not (resume and run.was_done(path))]
    sound = list(_readable(waiting, run))
    if sound:
        try:
            with _gateway(url, order) as address:
                asyncio.run(run.all(sound, address))
        except KeyboardInterrupt:
            _interrupted(run, len(files))
            raise typer.Exit(130) from None
    raise typer.Exit(1 if run.failed else 0)


def _in_room(context: typer.Context, order: Order, link: str, name: str | None) -> Order:
    """The same spoken into a room, where each listener chooses a language."""
    from bridge.client import RoomLink

    for given in ("to", "output", "srt", "vtt", "dub", "resume", "jobs", "url"):
        source = context.get_parameter_source(given)
        if source is not None and source.name == "COMMANDLINE":
            option = "--" + given
            raise typer.BadParameter(
                f"does not go with {option}: who listens chooses the language, and hears it as it is spoken; "
                "to keep what is heard, use `speechbridge listen LINK -o FILE.wav`",
                param_hint="--room",
            )
    place = RoomLink.parse(link)
    if not place.speaks:
        raise BridgeError(
            f"{place} is a link for listening.",
            "Give the link for speaking, which has /speak in it.",
            code="listen_only",
        )
    return replace(order, room=place, name=name)


def _check(files: Sequence[Path], order: Order) -> None:
    """Refuses a command line that would do something else than it seems to."""
    from bridge.cli.files import writing
    from bridge.media import is_stream

    if not order.targets:
        raise typer.BadParameter("names no language; write for example --to es,ca", param_hint="--to")
    if order.resume and not order.writes:
        raise typer.BadParameter(
            "needs files to be written: add -o DIR, --srt or --dub", param_hint="--resume"
        )
    if not order.writes:
        return
    streams = [path for path in files if is_stream(path)]
    if streams and order.dub:
        raise typer.BadParameter(f"needs a file: {streams[0]} can be read only once", param_hint="--dub")
    if streams and order.output is None:
        raise typer.BadParameter(f"{streams[0]} lies in no folder: say where to write with -o DIR")
    _check_names(files, order)
    if order.output is not None:
        with writing(order.output):
            order.output.mkdir(parents=True, exist_ok=True)


def _check_names(files: Sequence[Path], order: Order) -> None:
    """No two files may be written under one name, nor one over a file that is to be read."""
    stems = Counter((order.folder(path), Heard(path, order.source).name.stem) for path in files)
    for (folder, stem), count in stems.items():
        if count > 1:
            raise typer.BadParameter(
                f"two files are called {stem} and would write over each other; translate one at a time"
            )
        for path in files:
            if path.parent.resolve() == folder.resolve() and path.name.startswith(f"{stem}."):
                middle, _, suffix = path.name.removeprefix(f"{stem}.").rpartition(".")
                if middle in order.targets and suffix in ("wav", "mkv", "mka"):
                    raise typer.BadParameter(
                        f"{path} would be written over; give another folder with -o, or leave it out"
                    )


def _readable(files: Sequence[Path], run: Run) -> Iterator[Heard]:
    """What holds sound, as far as that can be known before it is read; says what is wrong with the others."""
    from bridge.cli.products import check

    for path in files:
        heard = Heard(path, run.order.source, run.order.track)
        try:
            with no_fault_ends_the_run():
                heard.look()
                check(path, heard.name, run.order)
            yield heard
        except BridgeError as error:
            run.complain(path, error)


def _interrupted(run: Run, files: int) -> None:
    typer.echo(f"interrupted: {run.finished} of {files} files are done.", err=True)
    if run.order.writes:
        typer.echo("→ The same command with --resume goes on with the rest.", err=True)


@contextmanager
def _gateway(url: str | None, order: Order) -> Iterator[str]:
    if url is not None:
        yield url
        return
    from rich.console import Console

    from bridge.cli.stack import stack

    with ExitStack() as running:
        quiet = order.json or not sys.stderr.isatty()
        with Console(stderr=True, quiet=quiet).status("starting Redis, workers and a gateway"):
            address = running.enter_context(stack(Settings.read()))
        yield address
