"""CosyVoice's FastAPI server as it lies in its repository: four ways to name a voice, and bare samples."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np

from tests.bridge.providers.vendors import openai
from tests.bridge.providers.vendors.server import Answer, Asked, Vendor, said

SPEAKERS = ("one", "two")

FIELDS = {
    "sft": {"tts_text", "spk_id"},
    "zero_shot": {"tts_text", "prompt_text", "prompt_wav"},
    "cross_lingual": {"tts_text", "prompt_wav"},
    "instruct2": {"tts_text", "instruct_text", "prompt_wav"},
}

MS_PER_LETTER = 60


class CosyVoiceServer(Vendor):
    """Hums at 24 kHz; the paths with /stream in front answer with float32."""

    def reply(self, asked: Asked) -> Answer:
        stream, _, mode = asked.path.rpartition("/inference_")
        sent = fields(asked)
        if missing := FIELDS[mode] - set(sent):
            return said({"detail": [{"type": "missing", "loc": ["body", name]} for name in missing]}, 422)
        if "prompt_wav" in sent:
            with wave.open(io.BytesIO(sent["prompt_wav"])) as file:
                assert file.getnframes()
        elif sent["spk_id"].decode() not in SPEAKERS:
            return Answer(b"Internal Server Error", 500)
        samples = np.full(24 * MS_PER_LETTER * len(sent["tts_text"].decode()), 0.25, np.float32)
        hum = samples.tobytes() if stream == "/stream" else (samples * 32_768).astype("<i2").tobytes()
        return Answer(hum, headers={"X-Custom-Header-sampleRate": "24000"})


def fields(asked: Asked) -> dict[str, bytes]:
    """What a form holds, with a file or without."""
    if asked.headers["content-type"].startswith("multipart/"):
        return openai.form(asked)
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    return {name: values[0].encode() for name, values in parse_qs(asked.body.decode()).items()}


def recording(folder: Path) -> Path:
    """A WAV file of a second."""
    path = folder / "prompt.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(b"\1\2" * 16_000)
    return path
