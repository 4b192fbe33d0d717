"""The record of a segment as a tree of text, each part with its time and a bar where it lies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from bridge.cli.trace.parts import Part, Way
from bridge.types import Flight

NAMES = 42
"""Columns of the names and times."""
LEAST_BAR = 10
"""Columns below which no bars are drawn."""


def drawn(flight: Flight, ways: list[Way], width: int) -> Iterator[str]:
    """Lines of `width` columns at most, but for the names of workers."""
    when = datetime.fromtimestamp(flight.at, UTC).strftime("%H:%M:%S.%f")[:-3]
    yield f"segment {flight.segment}  {flight.source or '?'}  {flight.outcome}  {_facts(flight)}"
    yield f"speech of {flight.speech_ms / 1000:.1f} s ends at {when} UTC"
    for way in ways:
        yield from _way(flight, way, width)


def _facts(flight: Flight) -> str:
    facts = ["a recording"] if flight.recorded else []
    if flight.dropped or flight.unsent:
        facts.append(f"drafts in vain: {flight.dropped}, not sent: {flight.unsent}")
    if flight.again:
        facts.append(f"sent again: {', '.join(flight.again)}")
    return "; ".join(facts)


def _way(flight: Flight, way: Way, width: int) -> Iterator[str]:
    outcome = flight.outcomes.get(way.target, "")
    what = "first sound" if outcome in ("heard", "") else outcome
    yield f"→ {way.target}  {what} ({way.total:.1f} ms)"
    end = max([way.total, way.played or 0.0, *(part.begins + part.ms for part in way.parts)])
    parts = list(way.parts)
    if way.played is not None and way.left is not None:
        parts.append(Part("network and loudspeaker", way.left, way.played - way.left))
    for number, part in enumerate(parts):
        branch = "└─" if number == len(parts) - 1 else "├─"
        name = f"  {branch} {part.name} ({part.ms:.1f} ms)"
        bar = _bar(part, end, width - NAMES)
        yield f"{name:<{NAMES}}{bar}{'  ' + part.note if part.note else ''}".rstrip()
    yield f"Total: {way.total:.1f} ms" + (f", played after {way.played:.1f} ms" if way.played else "")


def _bar(part: Part, end: float, columns: int) -> str:
    if columns < LEAST_BAR or end <= 0:
        return ""
    begins = min(columns - 1, max(0, round(part.begins / end * columns)))
    ends = min(columns, max(begins + 1, round((part.begins + part.ms) / end * columns)))
    return " " * begins + "█" * (ends - begins)
