"""Writes an XTTS checkpoint of random weights, 90 MB, for a Python that has coqui-tts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WIDTH, AUDIO_TOKENS = 64, 34
LETTERS = "abcdefghijklmnopqrstuvwxyzáéíóúñü.,!?'-"
SPEAKERS = ("Ana Florence", "Craig Gutsy")


def make(folder: Path) -> Path:
    """All parts of the real network, of which the one that speaks has two layers of 64."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig
    from TTS.tts.models.xtts import Xtts

    tokens = [
        "[STOP]",
        "[UNK]",
        "[SPACE]",
        *(f"[{code}]" for code in XttsConfig().languages),
        *LETTERS,
        "[START]",
    ]
    tokenizer: Any = Tokenizer(
        models.BPE({token: at for at, token in enumerate(tokens)}, [], unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens([token for token in tokens if token.startswith("[")])
    tokenizer.save(str(folder / "vocab.json"))
    arguments = XttsArgs(
        gpt_layers=2,
        gpt_n_model_channels=WIDTH,
        gpt_n_heads=4,
        gpt_use_perceiver_resampler=True,
        decoder_input_dim=WIDTH,
        gpt_max_audio_tokens=60,
        gpt_num_audio_tokens=AUDIO_TOKENS,
        gpt_start_audio_token=AUDIO_TOKENS - 2,
        gpt_stop_audio_token=AUDIO_TOKENS - 1,
        gpt_number_text_tokens=len(tokens),
        gpt_start_text_token=len(tokens) - 1,
        gpt_stop_text_token=0,
    )
    config = XttsConfig(model_args=arguments)
    config.save_json(str(folder / "config.json"))
    torch.manual_seed(1)
    torch.save({"model": Xtts(config).state_dict()}, folder / "model.pth")
    voices = {
        name: {
            "gpt_cond_latent": torch.randn(1, 32, WIDTH),
            "speaker_embedding": torch.randn(1, 512, 1),
        }
        for name in SPEAKERS
    }
    torch.save(voices, folder / "speakers_xtts.pth")
    return folder
