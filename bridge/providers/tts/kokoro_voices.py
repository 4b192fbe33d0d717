"""The voices of Kokoro: which language each speaks, which of them are on this disk, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bridge import languages
from bridge.errors import ProviderMissing, SettingsError
from bridge.models import library
from bridge.models.pool import loading


@dataclass(frozen=True, slots=True)
class Tongue:
    """What the first letter of a voice says: the tag of its language, espeak's name of it, its best voice."""

    tag: str
    espeak: str
    voice: str


# The voices are the best graded ones of each language in the model's VOICES.md.
TONGUES = {
    "a": Tongue("en", "en-us", "af_heart"),
    "b": Tongue("en-GB", "en-gb", "bf_emma"),
    "e": Tongue("es", "es", "ef_dora"),
    "f": Tongue("fr", "fr-fr", "ff_siwis"),
    "h": Tongue("hi", "hi", "hf_alpha"),
    "i": Tongue("it", "it", "if_sara"),
    "p": Tongue("pt-BR", "pt-br", "pf_dora"),
}


def files(model: str) -> tuple[Path, Path]:
    """The network and the file of its voices. Raises ProviderMissing where one of them is not there."""
    place = library.locate("kokoro", model)
    folder = place if place.is_dir() else place.parent
    # Of several forms of a model the one without a mark behind its number is the exact one.
    networks = sorted(folder.glob("*.onnx"), key=lambda path: len(path.name)) if place.is_dir() else [place]
    voices = sorted(folder.glob("voices*.bin"))
    if not networks or not voices:
        raise ProviderMissing(
            f"{folder} has no {'voices*.bin' if networks else '.onnx'}.",
            "Put kokoro-v1.0.onnx and voices-v1.0.bin into one folder, or: "
            "speechbridge models pull kokoro v1.0",
        )
    return networks[0], voices[0]


def names(file: Path) -> tuple[str, ...]:
    """The voices of a file whose language can be read. Raises ProviderMissing where it has none."""
    with loading(f"The voices of {file}", "Fetch them again: speechbridge models pull kokoro v1.0"):
        with np.load(file) as stored:
            names = tuple(sorted(name for name in stored.files if name[:1] in TONGUES))
        if not names:
            raise ValueError("there is none of a language that is read here")
        return names


def preferred(listed: str, known: tuple[str, ...]) -> dict[str, str]:
    """For each first letter the voice that speaks its language. Raises SettingsError for an unknown one."""
    asked = [name for name in map(str.strip, listed.split(",")) if name]
    if unknown := [name for name in asked if name not in known]:
        raise SettingsError(
            f"KOKORO_VOICES={listed} names {unknown[0]}, which is not there.",
            f"Use some of: {', '.join(known)}.",
        )
    best = [tongue.voice for tongue in TONGUES.values() if tongue.voice in known]
    found: dict[str, str] = {}
    for name in (*asked, *best, *known):
        found.setdefault(name[0], name)
    return found


def spoken(voices: Mapping[str, str]) -> dict[str, str]:
    """The voice of each language: its own, that of the language without its region, or that of a region."""
    own = {tongue.tag: voices[letter] for letter, tongue in TONGUES.items() if letter in voices}
    regions = {tag.partition("-")[0]: voice for tag, voice in reversed(own.items())}
    return {
        known.tag: own.get(known.tag) or own.get(known.base) or regions[known.base]
        for known in languages.known()
        if known.base in regions
    }
