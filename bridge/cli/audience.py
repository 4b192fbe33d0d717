"""One listener in a room: shows who says what as it comes, and lets a tape take it."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer

from bridge.cli.tape import Tape
from bridge.client import Client, RoomLink, Seat, Wish
from bridge.errors import BridgeError, GatewayError
from bridge.protocol import client_messages, server_messages, wire

RATE = 24_000
"""Hz of a server that names none."""
PING_SECONDS = 20.0
"""How often a listener, who says nothing, is heard of: servers give up after 30 s or more."""
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")


async def attend(link: RoomLink, language: str, wav: Path | None, srt: Path | None) -> None:
    """Listens until the room ends. Raises GatewayError, and BridgeError where a file cannot be written."""
    _check(wav, srt)
    seat = Seat(link.room, link.secret, "listener")
    async with Wish(link.gateway, None, [language], seat=seat, on_change=_tell).client() as session:
        config = session.started.config
        typer.echo(f"Listening in {config.targets[0].language}. Ctrl-C ends it.", err=True)
        began = time.monotonic()
        with _tape(config.targets[0].language, config.output.rate or RATE, wav, srt) as tape:
            pinging = asyncio.create_task(_ping(session))
            try:
                async for message in session:
                    tape.take(message, time.monotonic() - began)
                    _show(message)
            finally:
                pinging.cancel()


def _check(*files: Path | None) -> None:
    """Refuses before anything is heard what could not be written then."""
    for file in files:
        if file is not None and not (file.parent.is_dir() and os.access(file.parent, os.W_OK)):
            raise BridgeError(
                f"{file} cannot be written: {file.parent} is no folder, or nothing may be written in it.",
                "Give another one.",
                code="bad_output",
            )


@contextmanager
def _tape(language: str, rate: int, wav: Path | None, srt: Path | None) -> Iterator[Tape]:
    try:
        with Tape(language, rate, wav, srt) as tape:
            yield tape
    finally:
        for path in (wav, srt):
            if path is not None and path.exists():
                typer.echo(f"wrote {path}", err=True)


async def _ping(session: Client) -> None:
    """A lost session is left to who iterates, and hears why."""
    with suppress(GatewayError):
        while True:
            await asyncio.sleep(PING_SECONDS)
            await session.send(client_messages.Ping())


def _show(message: server_messages.ServerMessage | wire.AudioFrame) -> None:
    match message:
        case server_messages.TranslationFinal() if message.text:
            said = f"{message.name}: {message.text}" if message.name else message.text
            # What others are called and say is no command for this terminal.
            typer.echo(_CONTROL.sub(" ", said))
        case server_messages.SegmentFailed() | server_messages.Warning() | server_messages.Error():
            typer.echo(f"warning: {message.message}", err=True)
        case server_messages.PlaybackSkipped():
            seconds = message.ms / 1000
            typer.echo(f"warning: {seconds:.1f} s were left out: this connection is too slow.", err=True)
        case server_messages.SessionEnded():
            typer.echo(message.message or "The session has ended.", err=True)


def _tell(lost: GatewayError | None) -> None:
    if lost is None:
        typer.echo("Connected again: nothing was missed.", err=True)
    else:
        typer.echo(f"warning: {lost.message} Trying to go on.", err=True)
