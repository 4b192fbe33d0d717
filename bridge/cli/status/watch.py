"""Looks again and again, and shows each look: as a table that changes in its place, as text, or as JSON."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.live import Live

from bridge.cli.files import writing
from bridge.cli.status.fold import folded
from bridge.cli.status.history import History
from bridge.cli.status.look import Look
from bridge.cli.status.sources import Sources
from bridge.cli.status.table import drawn, fitted
from bridge.cli.status.verdict import Verdict, judged
from bridge.cli.terminal import as_json, is_read
from bridge.settings import Settings

Record = dict[str, object]


@dataclass(frozen=True, slots=True)
class Plan:
    """How often and for how long, and in which form. `once` shows what an interval brought, and ends."""

    interval: float
    once: bool
    duration: float | None
    json: bool
    out: Path | None


async def watch(url: str, settings: Settings, plan: Plan) -> bool:
    """Whether the last look found all well. Raises GatewayError for no URL, BridgeError where `out` fails."""
    sources = Sources(url, settings)
    verdict = None
    try:
        with _writing(plan.out) as write, _showing(plan.json) as show:
            async for look in _looks(sources, plan):
                verdict = judged(look)
                line = record(look, verdict)
                write(line)
                show(look, verdict, line)
    finally:
        await sources.close()
    return verdict is not None and verdict.healthy


async def _looks(sources: Sources, plan: Plan) -> AsyncIterator[Look]:
    history, began = History(), time.monotonic()
    end = began + (plan.duration or 0)
    while True:
        due = time.monotonic() + plan.interval
        sight = await sources.look()
        history.add(sight.at, sight.pages)
        look = folded(sight, history, began)
        if not plan.once or look.window_s:
            yield look
        if (plan.once and look.window_s) or (plan.duration is not None and due > end) or not is_read():
            return
        await asyncio.sleep(due - time.monotonic())


@contextmanager
def _writing(path: Path | None) -> Iterator[Callable[[Record], None]]:
    """Appends a line of JSON for each look."""
    if path is None:
        yield lambda line: None
        return
    with writing(path.parent), path.open("a", encoding="utf-8") as file:

        def write(line: Record) -> None:
            with writing(path.parent):
                file.write(json.dumps(line) + "\n")
                file.flush()

        yield write


@contextmanager
def _showing(json_lines: bool) -> Iterator[Callable[[Look, Verdict, Record], None]]:
    console = Console(highlight=False)
    if json_lines:
        yield lambda look, verdict, line: typer.echo(as_json(line))
    elif not console.is_terminal:
        yield lambda look, verdict, line: console.print(drawn(look, verdict), "")
    else:
        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
            yield lambda look, verdict, line: live.update(fitted(console, look, verdict), refresh=True)


def record(look: Look, verdict: Verdict) -> Record:
    """A look as JSON: `at` by the clock of this machine, `seconds` since the start."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    judgement = {
        "healthy": verdict.healthy,
        "verdict": verdict.words,
        "findings": [asdict(each) for each in verdict.findings],
    }
    return {"at": at} | judgement | {"sessions": look.sessions} | asdict(look)
