"""Every environment variable of the core, one sentence under each.

Precedence: command line, environment, `.env`, preset, default. A provider's own variables live in
the provider's file as another subclass of `Options`; both are read by the one mechanism here.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from dotenv import dotenv_values
from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bridge.errors import SettingsError
from bridge.foreign import INSTEAD

DOTENV = Path(".env")
PREFIXES = (
    *("STT_", "TRANSLATION_", "TTS_", "VAD_", "WS_", "SEGMENT_", "SESSION_", "SIMULATED_"),
    *("MODEL_", "MODELS_", "PRELOAD_", "CACHE_", "ORT_", "ONNX_", "WHISPER_", "NLLB_", "PIPER_"),
)
"""Of the environment's variables only these are taken for ours; most of the rest belong to others."""


def config_dir() -> Path:
    """The operator's folder: CONFIG_DIR, else ./config, else the one that came with the package."""
    if named := os.environ.get("CONFIG_DIR"):
        return Path(named)
    here = Path(__file__).parent
    candidates = (Path("config"), here.parent / "config", here / "config")
    return next((path for path in candidates if (path / "topology.toml").exists()), candidates[0])


def preset_file() -> Path | None:
    """The file behind PRESET, or None where no preset is chosen.

    Raises SettingsError for a name without a file, listing the presets there are.
    """
    name = os.environ.get("PRESET") or dotenv_values(DOTENV).get("PRESET")
    if not name:
        return None
    folder = config_dir() / "presets"
    path = folder / f"{name}.env"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.env"))) or "none"
        raise SettingsError(f"PRESET={name} names no file in {folder}.", f"Use one of: {known}.")
    return path


Rate = Literal[8000, 16000, 22050, 24000, 44100, 48000]
"""Sample rates of audio to a client, Hz."""

VAD_THRESHOLDS = (0.35, 0.5, 0.65, 0.8)
"""The threshold of each VAD_AGGRESSIVENESS."""


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
        dotenv = DotEnvSettingsSource(settings_cls, env_file=DOTENV)
        preset = DotEnvSettingsSource(settings_cls, env_file=preset_file())
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
            # The value is shown only for variables that hold no secret: pydantic reports raw input.
            shown = "" if _is_secret(cls, field) else f"={first.get('input')}"
            raise SettingsError(
                f"{name}{shown} is not valid: {first['msg']}.",
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


class Settings(Options):
    """The core: what gateway, workers and command line share."""

    preset: str = Field("", description="Name of a file in config/presets whose values stand below `.env`.")
    data_dir: Path = Field(
        Path("data"), description="Folder for everything that is written: Redis, logs, results."
    )
    topology: Path | None = Field(
        None, description="File that names the workers; by default topology.toml in the config folder."
    )
    redis_url: str = Field(
        "",
        description="Redis to use; empty lets `speechbridge up` start a private one.",
        examples=["redis://localhost:6379/0"],
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log line written; text of speech appears at DEBUG only."
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="Log lines for people or for machines."
    )

    host: str = Field("127.0.0.1", description="Address the gateway listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the gateway listens on.")

    stt_provider: str = Field("pocketsphinx", description="Engine of the stt stage.")
    translation_provider: str = Field("apertium", description="Engine of the translation stage.")
    tts_provider: str = Field("espeak", description="Engine of the tts stage.")
    # A variable is text, which is none of the numbers of a Literal.
    sample_rate: Annotated[Rate, BeforeValidator(int)] = Field(
        24_000, description="Hz of the audio sent to a client that does not ask for a rate."
    )

    vad_threshold: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Probability from which a 32 ms window counts as speech; wins over VAD_AGGRESSIVENESS.",
    )
    vad_aggressiveness: int = Field(
        1,
        ge=0,
        le=3,
        description="0 keeps quiet speech, 3 keeps out most noise: threshold 0.35, 0.5, 0.65, 0.8.",
    )
    vad_min_speech_ms: int = Field(
        250, ge=32, le=5_000, description="Shorter speech is taken for noise and dropped."
    )
    vad_min_silence_ms: int = Field(
        300, ge=32, le=10_000, description="Silence that ends a segment: the largest part of the latency."
    )
    vad_padding_ms: int = Field(
        300, ge=0, le=2_000, description="Audio kept before and after the speech of a segment."
    )
    vad_max_segment_ms: int = Field(
        10_000,
        ge=1_000,
        le=60_000,
        description="Longer speech is cut at the quietest point of its last third (3 s at most).",
    )

    ws_max_message_size: int = Field(
        1_048_576, ge=1_024, description="Bytes of one client message; a larger one closes with 1009."
    )
    ws_ping_interval: float = Field(30, gt=0, description="Seconds between pings to a client.")
    ws_ping_timeout: float = Field(
        10, gt=0, description="Seconds a client has to answer a ping before it is dropped."
    )
    ws_max_connections: int = Field(
        100, ge=1, description="Connections at once; one more is refused with 1013 and retry_after_ms."
    )
    ws_compression: bool = Field(
        True, description="Deflate text frames for clients that offer it; audio frames stay as they are."
    )

    ws_origins: str = Field(
        "",
        description="Origins of other sites whose pages may connect, comma-separated; * allows all.",
        examples=["https://talk.example.org"],
    )

    session_idle_seconds: float = Field(
        300, gt=0, description="A client that sends nothing for so long is closed with 4408."
    )
    session_max_segments: int = Field(
        8,
        ge=1,
        le=64,
        description="Segments of one session in work at once; at the bound the gateway stops reading.",
    )
    segment_attempts: int = Field(
        3, ge=1, le=10, description="Dispatches of the same segment before it is given up."
    )
    segment_run_ms: int = Field(
        10_000,
        ge=100,
        description="Silence of a worker until its work is sent again; stt adds the length of the speech.",
    )
    segment_queue_ms: int = Field(
        30_000, ge=100, description="Time work may wait for a worker before it is dispatched again."
    )
    segment_deadline_ms: int = Field(
        60_000, ge=1_000, description="Time from cut to speech after which a segment is given up as too late."
    )

    heartbeat_interval_ms: int = Field(
        5_000, ge=100, description="Time between two signs of life of a worker."
    )
    worker_ttl_ms: int = Field(
        15_000, ge=300, description="A worker silent for so long is gone and gets no work."
    )
    health_check_interval: float = Field(
        1, gt=0, description="Seconds for which the gateway trusts what it last read of the workers."
    )
    models_dir: Path | None = Field(
        None, description="Folder of downloaded models; by default models in DATA_DIR."
    )
    preload_models: str = Field(
        "",
        description="Models besides the default one that a worker loads first, each with its stage.",
        examples=["tts:es_ES-davefx-medium,tts:fr_FR-siwis-low"],
    )
    warmup: bool = Field(
        True, description="Run each engine once on a tiny input before the worker takes work."
    )
    model_resident_cap: int = Field(
        3, ge=1, description="Models kept in a worker at once, if none is in use or new."
    )
    model_ttl_seconds: float = Field(
        600, ge=0, description="A model unused for so long is freed; the only one of an engine stays."
    )
    model_min_residency_seconds: float = Field(
        120, ge=0, description="No model is freed sooner after it was loaded."
    )
    model_evict_check_seconds: float = Field(
        30, gt=0, description="Time between two looks for models to free."
    )

    cache_enabled: bool = Field(
        True, description="Keep translations in Redis, as text, so that a repeated sentence costs nothing."
    )
    cache_size: int = Field(2_000, ge=1, description="Translations kept at most; the oldest go first.")
    cache_ttl_seconds: float = Field(7_200, gt=0, description="Time for which a translation is kept.")

    task_events: bool = Field(
        False, description="Send the Celery events that Flower shows; costs 0.3 ms CPU per task."
    )
    flower_host: str = Field("127.0.0.1", description="Address Flower listens on.")
    flower_port: int = Field(5555, ge=0, le=65535, description="Port of Flower.")
    flower_user: str = Field("flower", description="User name of Flower's pages and API.")
    flower_password: SecretStr | None = Field(
        None, description="Password of Flower; unset, `speechbridge up --flower` makes one and prints it."
    )

    @property
    def threshold(self) -> float:
        """The VAD threshold in force."""
        by_level = VAD_THRESHOLDS[self.vad_aggressiveness]
        return self.vad_threshold if self.vad_threshold is not None else by_level

    @property
    def origins(self) -> frozenset[str]:
        """The origins of WS_ORIGINS."""
        return frozenset(filter(None, (origin.strip() for origin in self.ws_origins.split(","))))


def masked(url: str) -> str:
    """The URL without its password; anything else as it is."""
    return re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1:***@", url)


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
        (".env", _upper(dotenv_values(DOTENV))),
        (f"preset {preset.stem}" if preset else "preset", _upper(dotenv_values(preset) if preset else {})),
    ]


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


def unknown(known: Iterable[str]) -> list[str]:
    """One sentence for each variable that looks like ours and is none, with the nearest match.

    Everything in `.env` and the preset should be ours; in the environment only names with our
    prefixes are looked at, since the rest belongs to others.
    """
    ours = sorted(known)
    found: dict[str, str] = {}
    for label, values in layers():
        for variable in values:
            meant = label != "environment" or variable.startswith(PREFIXES) or variable in INSTEAD
            if meant and variable not in ours and variable not in ("PRESET", "CONFIG_DIR"):
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
