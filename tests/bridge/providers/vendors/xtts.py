"""The few parts of coqui-tts that the provider uses, for machines without the package: it hums.

`asked` are the texts it was given. As the real one it keeps the text that it speaks, and breaks where two are
asked for at once.
"""

from __future__ import annotations

import json
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import torch

LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "zh-cn", "ja")
SPEAKERS = {"Ana Florence": 0.25, "Craig Gutsy": 0.5}
"""Names as the published model has them, and how loud each one hums."""

SAMPLES_PER_LETTER = 24 * 60
SAMPLES_PER_TOKEN = 1_024

asked: list[dict[str, Any]] = []


class XttsConfig:
    def load_json(self, path: str) -> None:
        self.languages = json.loads(Path(path).read_text())["languages"]
        self.audio = SimpleNamespace(output_sample_rate=24_000)
        self.gpt_cond_len, self.gpt_cond_chunk_len, self.max_ref_len = 12, 4, 10
        self.sound_norm_refs = False


class Xtts:
    def __init__(self, config: XttsConfig) -> None:
        self.config = config
        self.tokenizer = SimpleNamespace(char_limits={"es": 239, "ja": 71, "zh": 82})
        self.speaker_manager: Any = None
        self._speaks = False

    @classmethod
    def init_from_config(cls, config: XttsConfig) -> Xtts:
        return cls(config)

    def load_checkpoint(self, config: XttsConfig, checkpoint_dir: str, eval: bool) -> None:
        import torch

        assert eval and config is self.config
        for name in ("model.pth", "vocab.json"):
            (Path(checkpoint_dir) / name).read_bytes()
        if (speakers := Path(checkpoint_dir) / "speakers_xtts.pth").is_file():
            self.speaker_manager = SimpleNamespace(
                speakers={
                    name: {"gpt_cond_latent": torch.tensor(loud), "speaker_embedding": torch.zeros(1)}
                    for name, loud in json.loads(speakers.read_text()).items()
                }
            )

    def to(self, device: str) -> None:
        assert device == "cpu"

    def get_conditioning_latents(
        self,
        audio_path: str,
        max_ref_length: int,
        gpt_cond_len: int,
        gpt_cond_chunk_len: int,
        sound_norm_refs: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        assert (max_ref_length, gpt_cond_len, gpt_cond_chunk_len, sound_norm_refs) == (10, 12, 4, False)
        with wave.open(audio_path) as file:
            assert file.getnframes()
        return torch.tensor(0.75), torch.ones(1)

    def inference_stream(
        self,
        text: str,
        language: str,
        gpt_cond_latent: torch.Tensor,
        speaker_embedding: torch.Tensor,
        stream_chunk_size: int,
        temperature: float,
        speed: float,
    ) -> Iterator[torch.Tensor]:
        import torch

        assert not self._speaks, "the text of another is spoken"
        assert len(text) < 400, "XTTS can only generate text with a maximum of 400 tokens."
        self._speaks = True
        try:
            asked.append({"text": text, "language": language, "temperature": temperature})
            left = round(SAMPLES_PER_LETTER * len(text) / speed)
            while left > 0:
                piece = min(left, stream_chunk_size * SAMPLES_PER_TOKEN)
                yield torch.full((piece,), float(gpt_cond_latent))
                left -= piece
        finally:
            self._speaks = False


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the place of the package until the test ends."""
    names = ("TTS", "TTS.tts", "TTS.tts.configs", "TTS.tts.configs.xtts_config", "TTS.tts.models")
    for name in (*names, "TTS.tts.models.xtts"):
        module = ModuleType(name)
        module.__dict__.update(XttsConfig=XttsConfig, Xtts=Xtts)
        monkeypatch.setitem(sys.modules, name, module)


def checkpoint(folder: Path, languages: tuple[str, ...] = LANGUAGES) -> Path:
    """The files of a model, which only this package reads."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"languages": languages}))
    (folder / "speakers_xtts.pth").write_text(json.dumps(SPEAKERS))
    (folder / "model.pth").write_bytes(b"weights")
    (folder / "vocab.json").write_text("{}")
    return folder
