"""Every environment variable of the core, one sentence under each; `bridge.options` reads them."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from bridge import redis_url
from bridge.monitoring_settings import MonitoringSettings
from bridge.objectives import ObjectiveSettings
from bridge.origin import canonical
from bridge.provider_settings import ProviderSettings
from bridge.speech_settings import SpeechSettings


class Settings(ProviderSettings, SpeechSettings, ObjectiveSettings, MonitoringSettings):
    """The core: what gateway, workers and command line share."""

    preset: str = Field("", description="Name of a file in config/presets whose values stand below `.env`.")
    data_dir: Path = Field(
        Path("data"), description="Folder for everything that is written: Redis, logs, results."
    )
    topology: Path | None = Field(
        None, description="File that names the workers; by default topology.toml in the config folder."
    )
    gpu_need: Literal["none", "useful", "required"] = Field(
        "none",
        description="What the engines lack without a GPU: nothing, speed (`useful`), or they refuse "
        "(`required`). Where TOPOLOGY is unset, `speechbridge up` chooses the file of the workers by it.",
    )
    redis_url: str = Field(
        "",
        description="Redis to use; empty lets `speechbridge up` start a private one.",
        examples=["redis://localhost:6379/0", "unix:///run/redis.sock?db=0"],
    )
    redis_max_memory: int = Field(
        1_000_000_000,
        ge=16_000_000,
        description="Bytes of data in the private Redis; when it is full, no session starts for now.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log line written; text of speech appears at DEBUG only."
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="Log lines for people or for machines."
    )

    profile: Literal["cprofile", "memory", "torch", "nvtx"] | None = Field(
        None,
        description="What watches the tasks of workers and writes to DATA_DIR/profile: Python's profiler, "
        "memory between two signals (`speechbridge profile memory`), torch's profiler, ranges for nsys.",
    )

    host: str = Field("127.0.0.1", description="Address the gateway listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the gateway listens on.")
    reuse_port: bool = Field(
        False, description="Let several gateway processes listen on one port; `up --gateways` sets it."
    )
    http_header_seconds: float = Field(
        10,
        gt=0,
        description="Time a client has for the head of a request, and for its body, before it is closed.",
    )

    glossary: Path | None = Field(
        None,
        description="File of terms and what they are called in other languages, see docs/glossary.md.",
        examples=["/etc/speechbridge/glossary.toml"],
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
    ws_rate: int = Field(
        400,
        ge=1,
        description="Messages a second that a connection may send for long; audio of 20 ms or more is free.",
    )
    ws_burst: int = Field(
        2_000, ge=1, description="Messages above WS_RATE that a connection may send; more closes with 4429."
    )
    ws_compression: bool = Field(
        True, description="Deflate text frames for clients that offer it; audio frames stay as they are."
    )

    ws_origins: str = Field(
        "",
        description="Origins of other sites whose pages may connect, comma-separated; * allows all.",
        examples=["https://talk.example.org"],
    )
    ws_hosts: str = Field(
        "",
        description="Names, comma-separated, under which this server's own pages may connect, besides "
        "addresses, localhost and the machine's name; unset, any name by https; * allows all.",
        examples=["talk.example.org"],
    )
    ws_proxies: str = Field(
        "127.0.0.1,::1",
        description="Addresses or networks of the proxies whose X-Forwarded-Host and -Proto are believed.",
        examples=["10.0.0.0/8"],
    )

    session_idle_seconds: float = Field(
        300, gt=0, description="A client that sends nothing for so long is closed with 4408."
    )
    session_ahead_seconds: float = Field(
        60,
        gt=0,
        description="Audio of one session taken before it is cut; beyond, nothing more is read for now.",
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
        description="Silence until work is sent again, unless its worker says it runs; stt adds the speech.",
    )
    segment_queue_ms: int = Field(
        30_000, ge=100, description="Time work may wait for a worker before it is dispatched again."
    )
    segment_deadline_ms: int = Field(
        60_000, ge=1_000, description="Time from cut to speech after which a segment is given up as too late."
    )

    journal_seconds: int = Field(120, ge=1, description="Time for which a room's journal is kept.")
    journal_max_bytes: int = Field(
        64_000_000, ge=100_000, description="Bytes of a room's journal; beyond, its oldest entries go."
    )
    resume_window_s: int = Field(
        60,
        ge=0,
        le=3_600,
        description="Seconds in which a client that was cut off may go on with its session, JOURNAL_SECONDS "
        "at most; 0 keeps none.",
    )

    rooms_max: int = Field(
        1_000, ge=1, description="Rooms at once on one Redis; to make one more is answered with 503."
    )
    room_ttl_seconds: int = Field(
        86_400, ge=60, description="A room that nobody uses for so long is forgotten, its links with it."
    )
    room_max_listeners: int = Field(
        1_000, ge=1, description="Listeners of one room at once; one more is refused with 1013."
    )
    room_max_languages: int = Field(
        16, ge=1, le=256, description="Languages that one room is heard in at once; one more is refused."
    )
    room_max_speakers: int = Field(
        32, ge=1, le=256, description="Participants of one room who may speak; one more is refused with 1013."
    )

    heartbeat_interval_ms: int = Field(
        5_000, ge=100, description="Time between two signs of life of a worker."
    )
    worker_ttl_ms: int = Field(
        15_000, ge=300, description="A worker silent for so long is gone and gets no work."
    )
    load_balance_strategy: Literal["least_loaded", "round_robin", "affinity", "resident"] = Field(
        "least_loaded",
        description="Which of several devices gets work: the one that is done soonest, each in turn, the one "
        "that the session had, or one that holds the model. Those without a live worker get none.",
    )
    health_check_interval: float = Field(
        0.25, gt=0, description="Seconds between two looks of the gateway at its workers."
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

    @field_validator("redis_url")
    @classmethod
    def _understood(cls, url: str) -> str:
        if url:
            redis_url.check(url)
        return url

    @field_validator("ws_origins")
    @classmethod
    def _origins(cls, text: str) -> str:
        for each in _listed(text) - {"*"}:
            try:
                canonical(each)
            except ValueError:
                raise ValueError(
                    f"{each} is no origin; write scheme and host, https://talk.example.org"
                ) from None
        return text

    @field_validator("ws_proxies")
    @classmethod
    def _networks(cls, text: str) -> str:
        for each in _listed(text):
            ip_network(each)
        return text

    @property
    def origins(self) -> frozenset[str]:
        """The origins of WS_ORIGINS as browsers send them, or `*`."""
        return frozenset(each if each == "*" else canonical(each) for each in _listed(self.ws_origins))

    @property
    def hosts(self) -> frozenset[str] | None:
        """The names of WS_HOSTS; None where it is not set."""
        return frozenset(each.lower() for each in _listed(self.ws_hosts)) or None

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of WS_PROXIES."""
        return tuple(ip_network(each) for each in _listed(self.ws_proxies))


def _listed(text: str) -> set[str]:
    return set(filter(None, (each.strip() for each in text.split(","))))
