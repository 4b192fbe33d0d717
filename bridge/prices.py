"""What vendors charge, by data/prices.toml: figures to reckon with, each with its source and its day."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from bridge.types import Stage

FILE = Path(__file__).parent / "data" / "prices.toml"

Unit = Literal["audio_hour", "audio_minute", "million_characters", "thousand_characters"]
SECONDS: dict[Unit, int] = {"audio_hour": 3_600, "audio_minute": 60}
CHARACTERS: dict[Unit, int] = {"million_characters": 1_000_000, "thousand_characters": 1_000}

CHARACTERS_A_MINUTE = 900
"""What a minute of speech is taken for where a vendor bills text: 150 words of six characters, blanks
included, in either language."""


@dataclass(frozen=True, slots=True)
class Price:
    """`amount`, in `currency`, for each `unit`; of `model`, "" for any; `source` was `read` that day."""

    stage: Stage
    provider: str
    model: str
    amount: float
    currency: Literal["USD"]
    unit: Unit
    source: str
    read: date

    def cost(self, seconds: float, characters: int) -> float:
        """Of so many seconds of audio heard, or so many characters given."""
        if self.unit in SECONDS:
            return self.amount * seconds / SECONDS[self.unit]
        return self.amount * characters / CHARACTERS[self.unit]


@cache
def listed() -> tuple[Price, ...]:
    """All entries of the file, in its order: of several models of a provider its default one is the first."""
    return tuple(Price(**entry) for entry in tomllib.loads(FILE.read_text("utf-8"))["price"])


def price(stage: Stage, provider: str, model: str | None = None) -> Price | None:
    """That of a provider with this model, None for its default one; None where nothing is known of it."""
    for entry in listed():
        same = (entry.stage, entry.provider) == (stage, provider)
        if same and (model is None or entry.model in ("", model)):
            return entry
    return None


def per_minute(stage: Stage, provider: str, model: str | None = None) -> float | None:
    """About how many dollars a minute of speech costs, CHARACTERS_A_MINUTE taken for granted; None where
    nothing is known. Of text and speech it is that of one language to which it is translated."""
    found = price(stage, provider, model)
    return found.cost(60, CHARACTERS_A_MINUTE) if found else None
