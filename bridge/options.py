"""How variables are read: their layers, their names, where a value comes from, and which are unknown.

Precedence: command line, environment, `.env`, preset, default. The core's fields are in `bridge.settings`,
a provider's in the provider's file; each class of them is a subclass of `Options`.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from dotenv import dotenv_values
from pydantic import AliasChoices, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bridge.address import masked
from bridge.errors import SettingsError
from bridge.foreign import INSTEAD

DOTENV = Path(".env")
PREFIXES = (
    *("STT_", "TRANSLATION_", "TTS_", "VAD_", "WS_", "SEGMENT_", "SESSION_", "SIMULATED_", "SLO_"),
    *("MODEL_", "MODELS_", "PRELOAD_", "CACHE_", "ORT_", "ONNX_", "WHISPER_", "NLLB_", "PIPER_"),
    *("METRICS", "FLIGHT_", "FLOWER_", "OPENAI_STT_", "OPENAI_TRANSLATION_", "OPENAI_TTS_", "DEEPL_"),
    *("LIBRETRANSLATE_", "DEEPGRAM_", "AZURE_SPEECH_", "AZURE_STT_", "AZURE_TTS_", "ELEVENLABS_"),
    *("CONTEXT_", "GLOSSARY"),
    *("PYTTSX3_", "KOKORO_", "COQUI_", "COSYVOICE_"),
)
"""Of the environment's variables only these are taken for ours; most of the rest belong to others."""
OTHERS = ("COMPOSE_", "GRAFANA_PASSWORD")
"""Those of `.env` begin so that Docker Compose reads, from the same file."""
PASSED_ON = "OTEL_"
"""OpenTelemetry reads these itself; `bridge.tracing` hands it those of `.env` and the preset."""


def config_dir() -> Path:
    """The operator's folder: CONFIG_DIR, else ./config, else the one that came with the package."""
    if named := os.environ.get("CONFIG_DIR"):
        return Path(named)
    here = Path(__file__).parent
    candidates = (Path("config"), here.parent / "config", here / "config")
    return next((path for path in candidates if (path / "topology.toml").exists()), candidates[0])


def preset_file() -> Path | None:
    """The file behind PRESET, or None where no preset is chosen.

    Raises SettingsError for a name without a file, listing the presets there are, and for a `.env` or a
    preset that cannot be read.
    """
    below = _read(DOTENV).get("PRESET")
    name = os.environ.get("PRESET") or below
    if not name:
        return None
    folder = config_dir() / "presets"
    path = folder / f"{name}.env"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.env"))) or "none"
        raise SettingsError(f"PRESET={name} names no file in {folder}.", f"Use one of: {known}.")
    _read(path)
    return path


class Options(BaseSettings):
    """Base of every class that is read from the environment: a field `a_b` is the variable `A_B`.

    A field may have other names, `validation_alias=AliasChoices("a_b", "b")`. The strongest source
    that holds one of the names wins, and within a source the field's own name.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        preset = DotEnvSettingsSource(settings_cls, env_file=preset_file())
        dotenv = DotEnvSettingsSource(settings_cls, env_file=DOTENV)
        return init_settings, env_settings, dotenv, preset

    @classmethod
    def read(cls, **flags: Any) -> Self:
        """The values in force; `flags` are what the command line set.

        Raises SettingsError naming the variable, its value and what it may be.
        """
        try:
            return cls(**{name: value for name, value in flags.items() if value is not None})
        except ValidationError as error:
            first = error.errors()[0]
            field = str(first["loc"][0]) if first["loc"] else ""
            name = _variable_of(cls, field, flags) if field else "a setting"
            # Secrets stay out of the message: pydantic reports raw input.
            shown = "" if _is_secret(cls, field) else masked(f"={first.get('input')}")
            raise SettingsError(
                f"{name}{shown} is not valid: {first['msg'].removeprefix('Value error, ')}.",
                "See docs/configuration.md, or run: speechbridge config show",
            ) from None


def _is_secret(options: type[Options], name: str) -> bool:
    field = options.model_fields.get(name)
    return field is not None and "SecretStr" in str(field.annotation)


def _variable_of(options: type[Options], field: str, flags: Mapping[str, Any]) -> str:
    """The name under which the operator gave the value of `field`."""
    if field not in options.model_fields or flags.get(field) is not None:
        return field.upper()
    return _found(names(options, field), layers())[0]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the value of one variable comes from; `alias` is the other name that set it, if one did."""

    variable: str
    value: str
    source: str
    alias: str = ""


def layers() -> list[tuple[str, Mapping[str, str | None]]]:
    """The sources above the defaults, strongest first."""
    preset = preset_file()
    return [
        ("environment", _upper(os.environ)),
        (".env", _upper(_read(DOTENV))),
        (f"preset {preset.stem}" if preset else "preset", _upper(_read(preset) if preset else {})),
    ]


def _read(file: Path) -> dict[str, str | None]:
    """The values of a file in the form of `.env`. Raises SettingsError for one that cannot be read."""
    try:
        return dotenv_values(file)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise SettingsError(f"{file} cannot be read: {why}.", "Correct that file, or remove it.") from None


def _upper(values: Mapping[str, str | None]) -> dict[str, str | None]:
    """Names are read in any case."""
    return {name.upper(): value for name, value in values.items()}


def names(options: type[Options], field: str) -> tuple[str, ...]:
    """The variables that set `field`: its own first, then its other names."""
    alias = options.model_fields[field].validation_alias
    others = alias.choices if isinstance(alias, AliasChoices) else [alias] if alias else []
    return tuple(dict.fromkeys(str(name).upper() for name in (field, *others)))


def variables(options: type[Options]) -> Iterator[str]:
    """The names of the variables a class reads, other names of the same one included."""
    return (name for field in options.model_fields for name in names(options, field))


def origins(options: Options) -> Iterator[Origin]:
    """Each variable of `options` with its value, secrets masked, and its source."""
    sources = layers()
    for field in type(options).model_fields:
        known = names(type(options), field)
        name, source = _found(known, sources)
        value = getattr(options, field)
        alias = name if name != known[0] else ""
        yield Origin(known[0], masked("" if value is None else str(value)), source, alias)


def _found(
    known: tuple[str, ...], sources: Iterable[tuple[str, Mapping[str, str | None]]]
) -> tuple[str, str]:
    """Which of the names is in force, and the source that holds it."""
    held = ((name, label) for label, values in sources for name in known if values.get(name))
    return next(held, (known[0], "default"))


def unknown(
    known: Iterable[str], sources: Iterable[tuple[str, Mapping[str, str | None]]] | None = None
) -> list[str]:
    """One sentence for each variable that looks like ours and is none, with the nearest match.

    `sources` are the layers by default. Only in the environment most variables belong to others: there
    names with our prefixes are looked at, and those with a reason in `bridge.foreign`.
    """
    ours = sorted(known)
    found: dict[str, str] = {}
    for label, values in layers() if sources is None else sources:
        for variable in values:
            meant = label != "environment" or variable.startswith(PREFIXES) or variable in INSTEAD
            others = variable in ("PRESET", "CONFIG_DIR") or variable.startswith((*OTHERS, PASSED_ON))
            if meant and variable not in ours and not others:
                found.setdefault(variable, label)
    sentences = []
    for variable, label in found.items():
        if reason := INSTEAD.get(variable):
            sentences.append(f"{variable} in {label} has no effect here: {reason}.")
            continue
        near = difflib.get_close_matches(variable, ours, n=1, cutoff=0.7)
        hint = f" Did you mean {near[0]}?" if near else ""
        sentences.append(f"{variable} in {label} is no variable of speechbridge and has no effect.{hint}")
    return sentences
