"""`speechbridge listen LINK`: joins a room in one language, shows captions, writes speech and subtitles."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer


def listen(
    link: Annotated[
        str,
        typer.Argument(metavar="LINK", help="The link of the room, in quotes: http://HOST/r/ROOM#SECRET."),
    ],
    language: Annotated[str, typer.Option("--lang", "-l", metavar="TAG", help="Language to listen in.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.wav", help="Write what is heard.")
    ] = None,
    srt: Annotated[
        Path | None, typer.Option("--srt", metavar="FILE.srt", help="Write subtitles of what is heard.")
    ] = None,
) -> None:
    """Listen to a room until it ends, or until Ctrl-C: prints who says what.

    A lost connection is taken up again without a gap.
    """
    from bridge.cli.audience import attend
    from bridge.client import RoomLink

    joined = RoomLink.parse(link)
    with suppress(KeyboardInterrupt):
        asyncio.run(attend(joined, language, output, srt))
