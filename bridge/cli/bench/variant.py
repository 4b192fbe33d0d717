"""The variables of a configuration to compare: from KEY=value lines, or from YAML of similar systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from bridge import options
from bridge.errors import BridgeError
from bridge.extras import install
from bridge.providers import option_classes
from bridge.settings import Settings
from bridge.types import STAGES

YAML = (".yml", ".yaml")


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _seconds(value: Any) -> str:
    return f"{float(value) / 1000:g}"


def _listed(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _word(value: Any) -> str:
    return str(value).removeprefix("ORT_").removeprefix("ENABLE_").lower()


KEYS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "model_manager.preload_model_ids": ("PRELOAD_MODELS", _listed),
    "model_manager.resident_cap": ("MODEL_RESIDENT_CAP", _plain),
    "model_manager.ttl_ms": ("MODEL_TTL_SECONDS", _seconds),
    "model_manager.min_residency_ms": ("MODEL_MIN_RESIDENCY_SECONDS", _seconds),
    "model_manager.evict_check_interval_ms": ("MODEL_EVICT_CHECK_SECONDS", _seconds),
    "vad.aggressiveness": ("VAD_AGGRESSIVENESS", _plain),
    "vad.min_speech_duration_ms": ("VAD_MIN_SPEECH_MS", _plain),
    "vad.min_silence_duration_ms": ("VAD_MIN_SILENCE_MS", _plain),
    "vad.padding_duration_ms": ("VAD_PADDING_MS", _plain),
    "redis.heartbeat_interval_ms": ("HEARTBEAT_INTERVAL_MS", _plain),
    "redis.worker_ttl_ms": ("WORKER_TTL_MS", _plain),
    "SessionOptions.graph_optimization_level": ("ORT_OPTIMIZATION", _word),
    "SessionOptions.execution_mode": ("ORT_EXECUTION_MODE", _word),
    "SessionOptions.enable_cpu_mem_arena": ("ORT_CPU_MEM_ARENA", _plain),
    "provider_options.device_id": ("ORT_DEVICE_ID", _plain),
    "provider_options.arena_extend_strategy": ("ORT_ARENA_STRATEGY", _plain),
    "provider_options.gpu_mem_limit": ("ORT_GPU_MEM_LIMIT", _plain),
    "provider_options.cudnn_conv_algo_search": ("ORT_CUDNN_SEARCH", _plain),
    "stt.model": ("STT_MODEL_SIZE", _plain),
    "stt.partial_results": ("PARTIALS", _plain),
    "stt.optimization.device": ("STT_DEVICE", _plain),
    "stt.optimization.compute_type": ("STT_COMPUTE_TYPE", _plain),
    "stt.optimization.num_workers": ("STT_NUM_WORKERS", _plain),
    "tts.engine": ("TTS_PROVIDER", _plain),
    "audio.output.sample_rate": ("SAMPLE_RATE", _plain),
    "response_generation.cache.enabled": ("CACHE_ENABLED", _plain),
    "response_generation.cache.size": ("CACHE_SIZE", _plain),
    "response_generation.cache.ttl": ("CACHE_TTL_SECONDS", _plain),
}
"""Keys of YAML files, the variable that each stands for, and how its value is written there."""


def variables(path: Path) -> dict[str, str]:
    """The variables that `path` sets: KEY=value lines, or YAML where its name ends in .yml or .yaml.

    Of YAML, keys that are variables, the KEYS, and `environment` of the services of a compose file are
    read. Raises BridgeError for a file that cannot be read and for what has no effect here.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise BridgeError(f"{path} cannot be read: {why}.", "Name a file of KEY=value lines.") from None
    if path.suffix in YAML:
        found = dict(_of_yaml(path, text))
    else:
        found = {name: value or "" for name, value in dotenv_values(path).items()}
    if sentences := options.unknown(_known(), [(str(path), found)]):
        raise BridgeError(" ".join(sentences), "Correct the file: it would not measure what it says.")
    return found


def _known() -> set[str]:
    kinds: list[type[options.Options]] = [Settings, *option_classes()]
    return {name for kind in kinds for name in options.variables(kind)}


def _of_yaml(path: Path, text: str) -> Iterator[tuple[str, str]]:
    try:
        import yaml
    except ImportError:
        raise BridgeError("PyYAML is not installed, which reads YAML.", f"Run: {install('bench')}") from None
    try:
        whole = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BridgeError(f"{path} is no YAML: {' '.join(str(error).split())}.", "Correct it.") from None
    if not isinstance(whole, dict):
        raise BridgeError(f"{path} holds no keys.", "Write KEY: value lines.")
    services = whole.pop("services", None) or {}
    whole.pop("version", None)
    for service, values in services.items():
        yield from _of_service(str(service), (values or {}).get("environment") or [])
    known = _known()
    strangers = []
    for key, value in _leaves(whole):
        if key in KEYS:
            variable, written = KEYS[key]
            yield variable, written(value)
        elif key in known:
            yield key, _listed(value) if isinstance(value, list) else _plain(value)
        else:
            strangers.append(key)
    if strangers:
        raise BridgeError(
            f"{path}: {', '.join(strangers)} stands for no variable of speechbridge.",
            "Leave it out, or write the variable's own name; docs/configuration.md lists them.",
        )


def _of_service(service: str, environment: Any) -> Iterator[tuple[str, str]]:
    """The variables of a compose service; one that names a stage gives that stage's variable."""
    pairs = (
        environment.items() if isinstance(environment, dict) else (str(e).split("=", 1) for e in environment)
    )
    stage = next((stage for stage in STAGES if stage in service), "")
    known = _known()
    for name, *value in pairs:
        of_stage = f"{stage.upper()}_{name}"
        yield of_stage if of_stage in known else str(name), _plain(value[0]) if value else ""


def _leaves(tree: Mapping[Any, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        name = f"{above}{key}"
        if isinstance(value, dict):
            yield from _leaves(value, f"{name}.")
        else:
            yield name, value
