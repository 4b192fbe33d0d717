"""Which Piper voice speaks which language: a table of published voices, and what is on this disk.

A published voice is `<language>_<REGION>-<speaker>-<quality>`: low means 16 kHz, medium 22.05 kHz, high
22.05 kHz with a network four times as large. Each has a licence of its own, in the MODEL_CARD beside
it; some exclude commercial use, such as that of the recordings behind en_US-lessac.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import structlog

from bridge import languages
from bridge.errors import BridgeError, LanguageError, ProviderError, ProviderMissing
from bridge.models import library

log = structlog.get_logger(__name__)

Quality = Literal["low", "medium", "high"]

NEAREST: dict[Quality, tuple[Quality, ...]] = {
    "low": ("low", "medium", "high"),
    "medium": ("medium", "low", "high"),
    "high": ("high", "medium", "low"),
}
"""What stands in for a quality that nobody has published for a language."""

PHONEMIZERS = ("espeak", "text")
"""The others of piper fetch models or need packages of their own at the first text."""

# fmt: off
TABLE: dict[str, dict[Quality, str]] = {
    "ar": {"low": "ar_JO-kareem-low", "medium": "ar_JO-kareem-medium"},
    "bg": {"medium": "bg_BG-dimitar-medium"},
    "ca": {"low": "ca_ES-upc_ona-x_low", "medium": "ca_ES-upc_ona-medium"},
    "cs": {"low": "cs_CZ-jirka-low", "medium": "cs_CZ-jirka-medium"},
    "cy": {"medium": "cy_GB-gwryw_gogleddol-medium"},
    "da": {"medium": "da_DK-talesyntese-medium"},
    "de": {"low": "de_DE-thorsten-low", "medium": "de_DE-thorsten-medium", "high": "de_DE-thorsten-high"},
    "el": {"low": "el_GR-rapunzelina-low", "medium": "el_GR-rapunzelina-medium"},
    "en": {"low": "en_US-lessac-low", "medium": "en_US-lessac-medium", "high": "en_US-lessac-high"},
    "en-GB": {"low": "en_GB-alan-low", "medium": "en_GB-alan-medium", "high": "en_GB-cori-high"},
    "es": {"low": "es_ES-mls_10246-low", "medium": "es_ES-davefx-medium"},
    "es-419": {"medium": "es_MX-ald-medium", "high": "es_AR-daniela-high"},
    "fa": {"medium": "fa_IR-amir-medium"},
    "fi": {"low": "fi_FI-harri-low", "medium": "fi_FI-harri-medium"},
    "fr": {"low": "fr_FR-siwis-low", "medium": "fr_FR-siwis-medium"},
    "hi": {"medium": "hi_IN-pratham-medium"},
    "hu": {"medium": "hu_HU-anna-medium"},
    "id": {"medium": "id_ID-news_tts-medium"},
    "is": {"medium": "is_IS-salka-medium"},
    "it": {"low": "it_IT-riccardo-x_low", "medium": "it_IT-paola-medium"},
    "ka": {"medium": "ka_GE-natia-medium"},
    "kk": {"low": "kk_KZ-raya-x_low", "high": "kk_KZ-issai-high"},
    "lb": {"medium": "lb_LU-marylux-medium"},
    "lv": {"medium": "lv_LV-aivars-medium"},
    "ml": {"medium": "ml_IN-meera-medium"},
    "ne": {"low": "ne_NP-google-x_low", "medium": "ne_NP-google-medium"},
    "nl": {"low": "nl_NL-mls_5809-low", "medium": "nl_NL-pim-medium"},
    "no": {"medium": "no_NO-talesyntese-medium"},
    "pl": {"low": "pl_PL-mls_6892-low", "medium": "pl_PL-gosia-medium"},
    "pt": {"medium": "pt_PT-tugão-medium"},
    "pt-BR": {"low": "pt_BR-edresson-low", "medium": "pt_BR-faber-medium"},
    "ro": {"medium": "ro_RO-mihai-medium"},
    "ru": {"medium": "ru_RU-irina-medium"},
    "sk": {"medium": "sk_SK-lili-medium"},
    "sl": {"medium": "sl_SI-artur-medium"},
    "sr": {"medium": "sr_RS-serbski_institut-medium"},
    "sv": {"medium": "sv_SE-nst-medium"},
    "sw": {"medium": "sw_CD-lanfrica-medium"},
    "te": {"medium": "te_IN-maya-medium"},
    "tr": {"medium": "tr_TR-dfki-medium"},
    "uk": {"low": "uk_UA-lada-x_low", "medium": "uk_UA-ukrainian_tts-medium"},
    "vi": {"low": "vi_VN-25hours_single-low", "medium": "vi_VN-vais1000-medium"},
    "zh": {"low": "zh_CN-huayan-x_low", "medium": "zh_CN-huayan-medium"},
}
# fmt: on


def published(tag: str, quality: Quality) -> str:
    """The table's voice of a language in `quality`, or in the nearest there is. Raises KeyError."""
    variants = TABLE[tag]
    return next(variants[candidate] for candidate in NEAREST[quality] if candidate in variants)


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice on this disk: the tag of its language, its .onnx file and the content of its .json.

    `speakers` gives the number of each name; a voice of one speaker has none.
    """

    name: str
    language: str
    model: Path
    config: Mapping[str, Any]
    speakers: Mapping[str, int]

    def speaker(self, asked: str) -> int | None:
        """The number of a speaker given by name or number; None where the voice has no such one."""
        known = dict.fromkeys(map(str, self.speakers.values()))
        return self.speakers.get(asked, int(asked) if asked in known else None)


def read(model: Path) -> Voice:
    """The voice of an .onnx file with its .onnx.json beside it.

    Raises ProviderMissing where one of the two is not there, ProviderError where the description
    cannot be used.
    """
    description = model.with_name(f"{model.name}.json")
    for file in (model, description):
        if not file.is_file():
            raise ProviderMissing(
                f"The voice {model.stem} lacks {file}.",
                "Put a voice's .onnx and .onnx.json into one folder, or fetch it again: "
                f"speechbridge models pull piper {model.stem}",
            )
    try:
        config = json.loads(description.read_text("utf-8"))
        phonemizer = config.get("phoneme_type", "espeak")
        count = int(config["num_speakers"])
        speakers = {} if count < 2 else config.get("speaker_id_map") or {str(n): n for n in range(count)}
        voice = Voice(model.stem, _language(model, config), model, config, speakers)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProviderError(
            f"{description} is no description of a Piper voice: {type(error).__name__} {error}.",
            f"Fetch it again: speechbridge models pull piper {model.stem}",
        ) from error
    if phonemizer not in PHONEMIZERS:
        raise ProviderError(
            f"The voice {voice.name} needs the phonemizer {phonemizer!r}, which fetches data when it speaks.",
            f"Use a voice whose phoneme_type is {' or '.join(PHONEMIZERS)}.",
        )
    return voice


def _language(model: Path, config: Mapping[str, Any]) -> str:
    """From the description, else from the name of the file. Raises ValueError where neither tells."""
    named = config.get("language", {}).get("code"), config["espeak"]["voice"], model.stem.partition("-")[0]
    for code in filter(None, named):
        try:
            return languages.find(code).tag
        except LanguageError:
            continue
    raise ValueError(f"has no language that is known, of {', '.join(filter(None, named))}")


@dataclass(frozen=True, slots=True)
class Voices:
    """What can be spoken here: every voice by its name, and the one of each language."""

    by_name: Mapping[str, Voice]
    by_language: Mapping[str, Voice]

    def named(self, name: str, language: str) -> Voice:
        """The voice `name`, if it speaks `language` in any of its regions. Raises ProviderError."""
        base = languages.find(language).base
        fitting = {n: voice for n, voice in self.by_name.items() if voice.language.split("-")[0] == base}
        if name not in fitting:
            raise ProviderError(
                f"Piper has no voice {name[:64]!r} for {language}.",
                f"Use one of: {', '.join(sorted(fitting))}.",
            )
        return fitting[name]


def offered(models: str, quality: Quality) -> Voices:
    """The voices on this disk, those of TTS_MODEL first.

    `models` are names of pulled voices and paths of .onnx files, separated by commas; each is the voice
    of its language. The other languages have the table's voice in `quality`. A region without a voice of
    its own is spoken by its language's, and a language by the voice of one of its regions.
    Raises ProviderMissing where there is no voice at all or one of `models` is not there.
    """
    chosen = [read(library.locate("piper", name)) for name in map(str.strip, models.split(",")) if name]
    found = {voice.name: voice for voice in (*_pulled(), *chosen)}
    by_language: dict[str, Voice] = {}
    for voice in (*chosen, *(found[name] for name in _preferred(quality) if name in found)):
        by_language.setdefault(voice.language, voice)
    if not by_language:
        raise ProviderMissing(
            f"No Piper voice, of TTS_QUALITY={quality} or in TTS_MODEL, is in {library.folder()}.",
            f"speechbridge models pull piper {published('es', quality)}",
        )
    for tag, voice in tuple(by_language.items()):
        by_language.setdefault(tag.partition("-")[0], voice)
    for language in languages.known():
        if voice_of_base := by_language.get(language.base):
            by_language.setdefault(language.tag, voice_of_base)
    return Voices(found, by_language)


def _preferred(quality: Quality) -> Iterator[str]:
    return (published(tag, quality) for tag in TABLE)


def _pulled() -> Iterator[Voice]:
    """The voices in the library; one that cannot be used is left out with a line in the log."""
    for entry in library.pulled():
        if entry.kind == "piper":
            try:
                yield read(Path(entry.path) / f"{entry.name}.onnx")
            except BridgeError as error:
                log.warning("voice not used", voice=entry.name, error=str(error))
