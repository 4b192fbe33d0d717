"""The models on this disk: where each is, how it is fetched, under which licence it may be used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from bridge.errors import ProviderMissing
from bridge.settings import Settings

Kind = Literal["whisper", "nllb", "nllb-transformers", "piper"]

NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
"""A model's short name or `owner/repository`; nothing that leads out of the folder."""


def folder() -> Path:
    """Where downloaded models are: MODELS_DIR, else `models` in DATA_DIR."""
    settings = Settings.read()
    return settings.models_dir or settings.data_dir / "models"


def locate(kind: Kind, name: str) -> Path:
    """The folder of a model, for piper the .onnx file of the voice. Never asks the hub.

    `name` is a path, which is given back as it is, or the name of a model that was pulled. Raises
    ProviderMissing where there is neither.
    """
    given = Path(name).expanduser()
    if name and given.exists():
        return given
    place = where(kind, name) if NAME.fullmatch(name) else None
    if place is None or not place.is_dir():
        raise ProviderMissing(
            f"There is no {kind} model {name or '(empty name)'}, neither as a path nor in {folder()}.",
            f"speechbridge models pull {kind} {name}" if place else "Give a model's name or a path.",
        )
    return place / f"{name}.onnx" if kind == "piper" else place


def where(kind: Kind, name: str) -> Path:
    """The folder that belongs to a pulled model, whether it is there or not."""
    return folder() / kind / name.replace("/", "--")
