"""A run of `translate` over all its files: several at once, each told of when it is done."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import Progress

from bridge.cli import ledger, products
from bridge.cli.hearing import Bar, Heard, no_fault_ends_the_run
from bridge.cli.order import Order
from bridge.cli.places import Places, offered
from bridge.cli.results import products_report, report, silence, spoken_segments, summary
from bridge.cli.terminal import as_json
from bridge.errors import BridgeError, GatewayError

if TYPE_CHECKING:
    from bridge.client import Result


class Run:
    """`failed` is whether any file, or a part of one, could not be translated; `finished` counts the rest."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.failed = False
        self.finished = 0
        self._console = Console(stderr=True)
        quiet = order.json or not sys.stderr.isatty()
        self._progress = Progress(console=self._console, transient=True, disable=quiet)

    def was_done(self, path: Path) -> bool:
        """Whether a file was done before as it is ordered now, which is told; --json tells all again."""
        told = ledger.done(path, self.order)
        if told is None:
            return False
        self.finished += 1
        typer.echo(as_json(told) if self.order.json else f"{path.name} was done before")
        return True

    async def all(self, recordings: Sequence[Heard], url: str) -> None:
        """Translates recordings, as many at once as asked for or as the server has engines for."""
        most = self.order.jobs or 1
        if self.order.jobs is None and len(recordings) > 1:
            most = await asyncio.to_thread(offered, url)
        places = Places(most)
        with self._progress:
            async with asyncio.TaskGroup() as group:
                for heard in recordings:
                    group.create_task(self._one(heard, url, places))

    async def _one(self, heard: Heard, url: str, places: Places) -> None:
        """Translates and reports one recording. What was finished is kept."""
        from bridge.media import is_stream

        try:
            with no_fault_ends_the_run():
                once = is_stream(heard.path)
                result, made, told = await places.run(lambda: self._done(heard, url), again=not once)
        except BridgeError as error:
            self.complain(heard.path, error)
        else:
            self._tell(heard, result, made, told)

    async def _done(self, heard: Heard, url: str) -> tuple[Result, products.Products, dict[str, Any]]:
        """Translates one recording and writes it, so that what was begun before the next one is done."""
        result = await self._translated(heard, url)
        if result.failure is not None and not spoken_segments(result):
            raise result.failure
        return result, *await asyncio.to_thread(self._made, heard, result)

    async def _translated(self, heard: Heard, url: str) -> Result:
        from bridge import client

        def lost(error: GatewayError, ms: float) -> None:
            place = f"{int(ms) // 60_000}:{int(ms) // 1000 % 60:02}"
            self._console.print(
                f"warning: {heard.name.name}: {error.message} It goes on from {place} in a new session.",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

        order = self.order
        bar = Bar(self._progress, heard)
        try:
            result = await client.translate_recording(
                client.Wish(url, order.source, order.targets, order.realtime, seat=order.seat(heard.name)),
                heard.blocks(),
                on_segment=lambda segment: bar.reach(segment.end_ms),
                on_lost=lost,
            )
            if result.failure is None:
                bar.end()
                self._progress.refresh()
        finally:
            bar.leave()
        return result

    def _made(self, heard: Heard, result: Result) -> tuple[products.Products, dict[str, Any]]:
        """Writes the files of one recording, and notes that it is done if nothing of it failed."""
        from bridge.media import is_stream

        segments = spoken_segments(result)
        made = products.Products(products.tracks(segments, result.targets, heard.duration_ms))
        if segments and self.order.writes:
            try:
                products.write(heard.path, heard.name, self.order, segments, made)
            except BridgeError as error:
                result.failure = result.failure or error
        told = summary(heard.path, result, made) | heard.summary()
        if self.order.writes and _whole(result) and not is_stream(heard.path):
            ledger.note(heard.path, self.order, made.written, told)
        return made, told

    def _tell(self, heard: Heard, result: Result, made: products.Products, told: dict[str, Any]) -> None:
        """Prints what came of one recording."""
        name = heard.name.name
        self.finished += _whole(result)
        self.failed |= not _whole(result)
        with self._aside():
            for notice in result.notices:
                if notice.code != "no_speech":  # the report says it in words that fit a recording
                    typer.echo(f"{notice.type}: {name}: {notice.message} {notice.hint}".rstrip(), err=True)
            if self.order.json:
                if not told["segments"]:
                    typer.echo(f"warning: {name}: {' '.join(silence(result))}", err=True)
                error = {} if result.failure is None else {"error": _told(result.failure)}
                typer.echo(as_json(told | error))
            else:
                choice = heard.choice()
                lines = (
                    *report(heard.name, result, self.order.realtime),
                    *([f"  {choice}"] if choice else ()),
                )
                typer.echo("\n".join((*lines, *products_report(made))))
            if result.failure is not None:
                _say(heard.name, result.failure)

    def complain(self, path: Path, error: BridgeError) -> None:
        """Says what failed on stderr; with --json also to whoever reads the results."""
        self.failed = True
        with self._aside():
            _say(path, error)
            if self.order.json:
                typer.echo(as_json({"file": str(path), "error": _told(error)}))

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Takes the progress away while something else is printed."""
        shown = self._progress.live.is_started
        self._progress.stop()
        yield
        if shown:
            self._progress.start()


def _whole(result: Result) -> bool:
    return result.failure is None and not any(segment.failures for segment in result.segments.values())


def _say(path: Path, error: BridgeError) -> None:
    from bridge.media import name_of

    typer.echo(f"error: {name_of(path).name or path}: {error.message}", err=True)
    if error.hint:
        typer.echo(f"→ {error.hint}", err=True)


def _told(error: BridgeError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "hint": error.hint}
