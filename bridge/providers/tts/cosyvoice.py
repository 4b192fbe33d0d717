"""Speech by a CosyVoice server of one's own, through the FastAPI that lies in its repository.

Its form fields know no speed: every utterance is spoken at the voice's own, whatever is asked for.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from bridge import options
from bridge.audio import s16
from bridge.errors import LanguageError, ProviderError, SettingsError
from bridge.providers import http, http_options
from bridge.text import clean
from bridge.types import Audio, Utterance

FLOAT_BYTES = 4

LOUDEST = 2.0
"""Samples of speech are within 1; what is beyond this is another format."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "sft": ("speaker",),
    "zero_shot": ("prompt_wav", "prompt_text"),
    "cross_lingual": ("prompt_wav",),
    "instruct2": ("prompt_wav", "instruction"),
}
"""The options that each mode sends."""

FIELDS = {"speaker": "spk_id", "prompt_text": "prompt_text", "instruction": "instruct_text"}


class CosyVoiceOptions(options.Options):
    """Which server, and whose voice it lends."""

    cosyvoice_base_url: str = Field(
        "http://127.0.0.1:50000",
        pattern=http_options.URL,
        description="The server, without /inference_…; with /stream, where it has such paths.",
    )
    cosyvoice_mode: Literal["sft", "zero_shot", "cross_lingual", "instruct2"] = Field(
        "cross_lingual",
        description="How the voice is named: a speaker of the model, a recording with its words, a recording "
        "alone, or one with an instruction.",
    )
    cosyvoice_speaker: str = Field(
        "", description="Speaker of the model for sft, where the segment names no voice."
    )
    cosyvoice_prompt_wav: Path | None = Field(
        None, description="Recording whose voice speaks: a WAV file of some seconds."
    )
    cosyvoice_prompt_text: str = Field("", description="Words of the recording, for zero_shot.")
    cosyvoice_instruction: str = Field("", description="How to speak, in words, for instruct2.")
    cosyvoice_rate: int = Field(
        24_000,
        ge=8_000,
        le=48_000,
        description="Samples per second of the answer; those of CosyVoice 1 are 22050.",
    )
    cosyvoice_format: Literal["s16", "float32"] = Field(
        "s16", description="Samples of the answer; servers with /stream send float32 there."
    )
    cosyvoice_languages: str = Field(
        "zh,en,ja,ko,yue", description="Languages that the model speaks, by tag."
    )
    cosyvoice_connect_ms: int = http_options.connect_ms()
    cosyvoice_first_byte_ms: int = http_options.first_byte_ms(8_000)
    cosyvoice_total_ms: int = http_options.total_ms(30_000)
    cosyvoice_patience_ms: int = http_options.patience_ms()


class CosyVoice:
    """`/inference_sft`, `_zero_shot`, `_cross_lingual` or `_instruct2`, heard as it comes."""

    Options: type[options.Options] = CosyVoiceOptions

    def __init__(self, options: CosyVoiceOptions) -> None:
        self._options = options
        self._languages = http_options.tags(options.cosyvoice_languages, "COSYVOICE_LANGUAGES")
        self._fields, self._files = _voice(options)
        limits = http_options.deadlines(options, "cosyvoice")
        self._remote = http.Remote(
            "The CosyVoice server",
            options.cosyvoice_base_url,
            {},
            limits,
            key_variable="COSYVOICE_BASE_URL",
        )

    def languages(self) -> frozenset[str]:
        """Those of COSYVOICE_LANGUAGES."""
        return self._languages

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """Pieces as they come, at the voice's own speed.

        `voice` is a speaker of the model, with sft only. Raises LanguageError, ProviderError and VendorError.
        """
        if utterance.language not in self._languages:
            raise LanguageError(
                f"{utterance.language} is none of the languages of this model.",
                "COSYVOICE_LANGUAGES holds those that it has.",
            )
        fields = self._fields | self._speaker(utterance.voice)
        if not (text := clean(utterance.text)):
            return
        request: dict[str, Any] = {"data": {**fields, "tts_text": text}, "files": self._files or None}
        path = f"/inference_{self._options.cosyvoice_mode}"
        if self._options.cosyvoice_format == "s16":
            yield from self._remote.audio(path, self._options.cosyvoice_rate, **request)
        else:
            yield from self._floats(path, request)

    def resident(self) -> tuple[str, ...]:
        """None: models are the server's."""
        return ()

    def close(self) -> None:
        """Closes the connections."""
        self._remote.close()

    def _speaker(self, voice: str | None) -> dict[str, str]:
        if not voice:
            return {}
        if (mode := self._options.cosyvoice_mode) != "sft":
            raise ProviderError(
                f"CosyVoice has no voice {voice[:64]!r}: COSYVOICE_MODE={mode} speaks with a recording's.",
                "Leave the voice out, or use COSYVOICE_MODE=sft with a model that has speakers.",
            )
        return {"spk_id": voice}

    def _floats(self, path: str, request: Mapping[str, Any]) -> Iterator[Audio]:
        rest, heard = b"", False
        with self._remote.stream(path, **request) as pieces:
            for piece in pieces:
                data = rest + piece
                whole = len(data) - len(data) % FLOAT_BYTES
                rest = data[whole:]
                samples = np.frombuffer(data[:whole], "<f4")
                if not np.all(np.abs(samples) <= LOUDEST):  # as of no number too
                    raise self._remote.bad_answer("something that is not float32")
                if whole:
                    heard = True
                    yield Audio(s16(samples), self._options.cosyvoice_rate)
        if not heard:
            raise self._remote.bad_answer("no sound")


def _voice(options: CosyVoiceOptions) -> tuple[dict[str, str], dict[str, tuple[str, bytes, str]]]:
    """The fields and files that name the voice. Raises SettingsError for what the mode needs and lacks."""
    fields, files = {}, {}
    for need in NEEDS[options.cosyvoice_mode]:
        value = getattr(options, f"cosyvoice_{need}")
        if not value:
            raise SettingsError(
                f"COSYVOICE_MODE={options.cosyvoice_mode} needs COSYVOICE_{need.upper()}, which is not set.",
                "Set it, or choose another mode: "
                + ", ".join(f"{mode} needs {' and '.join(needs)}" for mode, needs in NEEDS.items())
                + ".",
            )
        if need == "prompt_wav":
            files["prompt_wav"] = ("prompt.wav", _recording(value), "audio/wav")
        else:
            fields[FIELDS[need]] = value
    return fields, files


def _recording(path: Path) -> bytes:
    try:
        with wave.open(str(path)) as file:
            if file.getnframes() == 0:
                raise wave.Error("it is empty")
        return path.read_bytes()
    except (OSError, EOFError, wave.Error) as error:
        raise SettingsError(
            f"COSYVOICE_PROMPT_WAV={path} is no recording that can be read: {error}.",
            "Name a WAV file of some seconds in which one person speaks.",
        ) from None
