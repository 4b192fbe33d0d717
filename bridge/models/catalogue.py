"""What the names of models stand for: which repository at the hub, under which licence."""

from __future__ import annotations

import re
from typing import Literal, get_args

from bridge.errors import BridgeError

Kind = Literal["whisper", "nllb", "nllb-transformers", "piper", "kokoro", "coqui"]
KINDS: tuple[Kind, ...] = get_args(Kind)

NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
"""A model's short name or `owner/repository`; nothing that leads out of the folder."""

SIZES = (
    *("tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en"),
    *("large", "large-v1", "large-v2", "large-v3", "large-v3-turbo", "turbo"),
    *("distil-small.en", "distil-medium.en", "distil-large-v2", "distil-large-v3", "distil-large-v3.5"),
)

ELSEWHERE = {
    "large": "Systran/faster-whisper-large-v3",
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
}
"""Whisper sizes whose repository does not follow from the name."""

VOICES = "rhasspy/piper-voices"
VOICE = re.compile(r"(?P<family>[a-z]{2,3})_[A-Z]{2}-(?P<speaker>\w+)-(?P<quality>x_low|low|medium|high)")

KOKORO = {"v1.0": "fastrtc/kokoro-onnx"}
"""The files of the releases of kokoro-onnx, at the hub."""

COQUI = {"xtts_v2": "tts-hub/XTTS-v2"}
"""As coqui-tts names the model and its repository."""

LICENCES: dict[Kind, str] = {
    "whisper": "MIT",
    "nllb": "CC-BY-NC-4.0",
    "nllb-transformers": "CC-BY-NC-4.0",
    "piper": "see MODEL_CARD",
    "kokoro": "Apache-2.0",
    "coqui": "CPML, not for commercial use",
}
"""What holds for the models that the short names stand for."""


def repository_of(kind: Kind, name: str) -> str:
    """The repository behind a name; `OWNER/NAME` stands for itself. Raises BridgeError for an unknown one."""
    if kind == "piper":
        return VOICES
    if "/" in name:
        return name
    if kind in ("kokoro", "coqui"):
        named = KOKORO if kind == "kokoro" else COQUI
        if name not in named:
            raise BridgeError(f"{kind} has no model {name}.", f"Use OWNER/REPOSITORY or {', '.join(named)}.")
        return named[name]
    if kind == "whisper":
        if name not in SIZES:
            raise BridgeError(
                f"whisper has no size {name}.", f"Use OWNER/REPOSITORY or one of: {', '.join(SIZES)}."
            )
        distilled = name.removeprefix("distil-")
        usual = f"faster-distil-whisper-{distilled}" if distilled != name else f"faster-whisper-{name}"
        return ELSEWHERE.get(name, f"Systran/{usual}")
    return f"facebook/{name}"


def short(kind: Kind, name: str) -> str:
    """The name without an owner that goes without saying."""
    return name.removeprefix("facebook/") if kind.startswith("nllb") else name


def check_name(kind: Kind, name: str) -> None:
    """Raises BridgeError for what can be no name of a model."""
    if kind == "piper" and not VOICE.fullmatch(name):
        raise BridgeError(
            f"{name} is no name of a Piper voice.",
            f"Write it as LANGUAGE_REGION-VOICE-QUALITY, such as es_ES-davefx-medium, as in {VOICES}.",
        )
    if not NAME.fullmatch(name):
        raise BridgeError(f"{name} is no name of a model.", "Write a short name or OWNER/REPOSITORY.")


def voice_files(name: str) -> list[str]:
    """The paths of a voice in the repository of all voices."""
    voice = VOICE.fullmatch(name)
    assert voice
    locale = name.partition("-")[0]
    above = f"{voice['family']}/{locale}/{voice['speaker']}/{voice['quality']}"
    return [f"{above}/{file}" for file in (f"{name}.onnx", f"{name}.onnx.json", "MODEL_CARD")]
