"""What `speechbridge trace` reads and prints."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import typer

from bridge.cli.trace.parts import Way, ways
from bridge.cli.trace.waterfall import drawn
from bridge.errors import BridgeError
from bridge.store.flights import Reader
from bridge.types import Ear, Flight

AGAIN_SECONDS = 0.5
LATE_SECONDS = 2.0
"""How long `--follow` waits for the mark of a listener's client before it shows a segment."""


def show(url: str, session: str | None, segment: int | None, *, as_json: bool, follow: bool) -> None:
    """Prints the sessions that the Redis at `url` has records of, or the segments of one.

    Raises BridgeError where it is not clear which one, or there is none.
    """
    reader = Reader(url)
    try:
        if session is None:
            for line in _sessions(reader, as_json=as_json):
                typer.echo(line)
            return
        _show(reader, _named(reader, session), segment, as_json=as_json, follow=follow)
    except KeyboardInterrupt:
        pass
    finally:
        reader.close()


def _sessions(reader: Reader, *, as_json: bool) -> Iterator[str]:
    found = reader.sessions()
    if not found and not as_json:
        yield "No session is recorded. Speak first; FLIGHT_SECONDS says for how long its record is kept."
    for session, at in found:
        when = datetime.fromtimestamp(at, UTC)
        if as_json:
            yield json.dumps({"session": session, "last": when.isoformat(timespec="milliseconds")})
        else:
            yield f"{session}  {when:%Y-%m-%d %H:%M:%S} UTC"


def _named(reader: Reader, beginning: str) -> str:
    found = [name for name, _ in reader.sessions() if name.startswith(beginning)]
    if len(found) == 1 or beginning in found:
        return beginning if beginning in found else found[0]
    if found:
        raise BridgeError(
            f"{len(found)} sessions begin with {beginning}.", "Give more of the name.", code="ambiguous"
        )
    raise BridgeError(
        f"No session {beginning} is recorded.",
        "`speechbridge trace` lists those that are; FLIGHT_SECONDS says for how long they are kept.",
        code="unknown_session",
    )


def _show(reader: Reader, session: str, segment: int | None, *, as_json: bool, follow: bool) -> None:
    ears: list[Ear] = []
    flights: list[tuple[float, Flight]] = []
    lines, after = reader.lines(session)
    shown = False
    while True:
        now = time.monotonic()
        ears += [line for line in lines if isinstance(line, Ear)]
        flights += [(now, line) for line in lines if isinstance(line, Flight)]
        for came, flight in list(flights):
            if follow and now - came < LATE_SECONDS and not _played(flight, ears):
                break  # in their order
            flights.remove((came, flight))
            if segment in (None, flight.segment):
                shown = True
                _print(flight, ways(flight, ears), as_json=as_json)
            ears = [ear for ear in ears if ear.segment != flight.segment]
        if not follow:
            if not shown:
                typer.echo("No such segment is recorded.", err=True)
            return
        time.sleep(AGAIN_SECONDS)
        lines, after = reader.lines(session, after)


def _played(flight: Flight, ears: list[Ear]) -> bool:
    return any(ear.segment == flight.segment and ear.kind == "played" for ear in ears)


def _print(flight: Flight, its: list[Way], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_record(flight, its), ensure_ascii=False))
        return
    for line in drawn(flight, its, shutil.get_terminal_size().columns):
        typer.echo(line)
    typer.echo("")


def _record(flight: Flight, its: list[Way]) -> dict[str, Any]:
    heard = {
        way.target: {
            "left_ms": way.left,
            "played_ms": way.played,
            "parts": [asdict(part) for part in way.parts],
        }
        for way in its
    }
    return asdict(flight) | {"heard": heard}
