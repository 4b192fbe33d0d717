"""Variables that are set and do nothing: misspelt, of elsewhere, or of an engine that is not chosen."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from bridge import topology
from bridge.cli.devices import choose
from bridge.errors import BridgeError
from bridge.options import Options, layers, unknown, variables
from bridge.providers import TABLE, Row, option_classes
from bridge.providers import chosen as chosen_rows
from bridge.settings import Settings
from bridge.types import STAGES, Stage

if TYPE_CHECKING:
    from bridge.topology import WorkerEntry


def warn(settings: Settings) -> None:
    """One line on stderr for each variable without effect."""
    for sentence in complaints(settings):
        sys.stderr.write(f"warning: {sentence}\n")


def complaints(settings: Settings) -> list[str]:
    """A sentence for each variable without effect, in the environment, `.env`, preset or topology.

    A topology that cannot be read counts as none: another check tells of it.
    """
    workers: Sequence[WorkerEntry] = ()
    with suppress(BridgeError):
        workers = topology.load(choose(settings).path).workers
    classes: list[type[Options]] = [Settings, *option_classes()]
    known = [name for options in classes for name in variables(options)]
    sources = [*layers(), *((f"worker {entry.name}", entry.env) for entry in workers)]
    return [*unknown(known, sources), *_unread(settings, workers)]


def _unread(settings: Settings, workers: Sequence[WorkerEntry]) -> Iterator[str]:
    """What only engines that are not chosen would read. A preset is left out: it was chosen as a whole."""
    engines = [each for entry in workers for each in _engines(settings, entry)]
    chosen = list(dict.fromkeys(engines)) or [
        each for stage in STAGES for each in _named(stage, getattr(settings, f"{stage}_provider"))
    ]
    for label, values in layers():
        if not label.startswith("preset"):
            for variable in filter(values.get, values):
                yield from _sentence(variable, label, chosen)
    for entry in workers:
        for variable in entry.env:
            yield from _sentence(variable, f"worker {entry.name}", _engines(settings, entry))


def _engines(settings: Settings, entry: WorkerEntry) -> list[tuple[str, str]]:
    """The stage and the providers of a worker."""
    variable = f"{entry.stage}_provider"
    return _named(entry.stage, entry.env.get(variable.upper()) or getattr(settings, variable))


def _named(stage: Stage, names: str) -> list[tuple[str, str]]:
    """The providers of a list, also of one that makes no sense, which another check tells of."""
    with suppress(BridgeError):
        return [(stage, row.name) for row in chosen_rows(stage, names)]
    return [(stage, names)]


def _sentence(variable: str, label: str, chosen: Sequence[tuple[str, str]]) -> Iterator[str]:
    readers = [row for row in TABLE if variable in _read_by(row)]
    if (
        not readers
        or variable in variables(Settings)
        or any((row.stage, row.name) in chosen for row in readers)
    ):
        return
    stages = {row.stage for row in readers}
    would = " or ".join(dict.fromkeys(row.name for row in readers))
    instead = [f"{stage.upper()}_PROVIDER={name}" for stage, name in chosen if stage in stages]
    but = f", but {' and '.join(instead)} {'is' if len(instead) == 1 else 'are'} chosen" if instead else ""
    yield f"{variable} in {label} has no effect: {would} would read it{but}."


@cache
def _read_by(row: Row) -> frozenset[str]:
    return frozenset(variables(row.cls().Options))
