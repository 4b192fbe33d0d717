"""A Whisper of random weights that knows English only: it says nonsense, but what it refuses is real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import WhisperSpec
from ctranslate2.specs.model_spec import visit_spec
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

WIDTH = 16
BANDS = 80
NAMES = (
    *("endoftext", "startoftranscript", "en", "translate", "transcribe"),
    *("startoflm", "startofprev", "nospeech", "notimestamps"),
)


def english_only(folder: Path) -> Path:
    """Writes the model into `folder`, as CTranslate2 and faster-whisper read it; returns the folder."""
    folder.mkdir()
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    size = tokenizer.get_vocab_size()
    spec = WhisperSpec(1, 2, 1, 2)
    shapes = {
        "encoder/conv1/weight": (WIDTH, BANDS, 3),
        "encoder/conv2/weight": (WIDTH, WIDTH, 3),
        "encoder/position_encodings/encodings": (1500, WIDTH),
        "decoder/position_encodings/encodings": (448, WIDTH),
        "decoder/embeddings/weight": (size, WIDTH),
        "decoder/projection/weight": (size, WIDTH),
        "decoder/projection/bias": (size,),
    }
    rng = np.random.default_rng(0)

    def fill(part: Any, path: str, value: Any) -> None:
        if value is None or path.endswith("encodings"):
            shape = shapes.get(path) or _shape(path)
            setattr(part, path.rpartition("/")[2], rng.normal(0, 0.3, shape).astype(np.float32))

    visit_spec(spec, fill)
    spec.config.suppress_ids = spec.config.suppress_ids_begin = spec.config.lang_ids = []
    spec.config.alignment_heads = [[0, 0]]
    by_number = {number: token for token, number in tokenizer.get_vocab().items()}
    spec.register_vocabulary([by_number[number] for number in range(size)])
    spec.validate()
    spec.save(str(folder))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": BANDS}))
    return folder


def _shape(path: str) -> tuple[int, ...]:
    """Of a layer, whose inner width is that of the rest; projections of the same input are joined."""
    rows = WIDTH
    if "self_attention/linear_0" in path:
        rows = 3 * WIDTH
    elif "/attention/linear_1" in path:
        rows = 2 * WIDTH
    return (rows, WIDTH) if path.endswith("weight") else (rows,)


def _tokenizer() -> Tokenizer:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(f"<|{name}|>", special=True) for name in NAMES])
    return tokenizer
