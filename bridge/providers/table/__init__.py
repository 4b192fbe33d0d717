"""The table of the engines, and how they are found in it by name."""

from __future__ import annotations

from bridge.errors import SettingsError
from bridge.providers.row import Row
from bridge.providers.table import stt, translation, tts
from bridge.types import Stage

TABLE: tuple[Row, ...] = (*stt.ROWS, *translation.ROWS, *tts.ROWS)


def row(stage: Stage, name: str) -> Row:
    """The provider `name`, with `-` or `_`, of `stage`. Raises SettingsError listing the known ones."""
    for candidate in TABLE:
        if candidate.stage == stage and _plain(candidate.name) == _plain(name):
            return candidate
    known = ", ".join(candidate.name for candidate in TABLE if candidate.stage == stage)
    raise SettingsError(f"{stage.upper()}_PROVIDER={name} is unknown.", f"Use one of: {known}.")


def chosen(stage: Stage, names: str) -> tuple[Row, ...]:
    """The providers of a list such as `azure,faster_whisper`, in the order in which they are asked.

    Raises SettingsError for an empty list, an unknown name, and one that stands there twice.
    """
    rows = tuple(row(stage, name) for name in (part.strip() for part in names.split(",")) if name)
    variable = f"{stage.upper()}_PROVIDER"
    if not rows:
        raise SettingsError(f"{variable} names no provider.", "Take it out, or see: speechbridge providers.")
    for again in (each for number, each in enumerate(rows) if each in rows[:number]):
        raise SettingsError(f"{variable}={names} names {again.name} twice.", "Name each provider once.")
    return rows


def _plain(name: str) -> str:
    return name.replace("-", "_")
