"""The table of the engines, and how they are found in it by name."""

from __future__ import annotations

from bridge.errors import SettingsError
from bridge.providers.row import Row
from bridge.providers.table import stt, translation, tts
from bridge.types import Stage

TABLE: tuple[Row, ...] = (*stt.ROWS, *translation.ROWS, *tts.ROWS)


def row(stage: Stage, name: str) -> Row:
    """The provider `name` of `stage`. Raises SettingsError listing the known ones."""
    for candidate in TABLE:
        if (candidate.stage, candidate.name) == (stage, name):
            return candidate
    known = ", ".join(candidate.name for candidate in TABLE if candidate.stage == stage)
    raise SettingsError(f"{stage.upper()}_PROVIDER={name} is unknown.", f"Use one of: {known}.")
