"""Trains an NLLB of 0.3 million weights that knows 30 phrases, so that tests run the real engines.

    OMP_NUM_THREADS=1 python -m tests.models.train_nllb

writes tests/models/nllb-tiny-test.tar.xz (our own work, Apache-2.0) in about three minutes on one core:
`hf` for transformers and `ct2`, in 8 bits, for CTranslate2. English, Spanish, Catalan and French
translate into each other, as written in phrases.json and in plain lower case without punctuation.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ctranslate2.converters import TransformersConverter
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

from tests.models.archive import pack
from tests.models.phrases import CODES, pairs

NAME = "nllb-tiny-test"

PIECES = 500
"""Tokens besides the codes of the languages."""

PAD, END = 1, 2

IGNORED = -100

STEPS, SIZE, RATE = 4500, 16, 2e-3

SMOOTHING = 0.1
"""As NLLB was trained; surer of itself, the model lost its best sentence in CTranslate2's search of beams."""


def tokenizer(texts: list[str]) -> NllbTokenizer:
    """Byte pairs of these texts, with every letter that the four languages write."""
    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.pre_tokenizer = pre_tokenizers.Metaspace()
    letters = "abcdefghijklmnopqrstuvwxyzáàâäçéèêëíîïñóòôöœúùûüæßABCDEFGHIJKLMNOPQRSTUVWXYZÀÉÈÍÓÚÇÑ"
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=[*letters, *"0123456789", *".,;:?!¿¡'\"-()·"],
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    parts = json.loads(bpe.to_str())["model"]
    merges: Any = [tuple(merge) for merge in parts["merges"]]  # a list of str by its annotation
    return NllbTokenizer(vocab=parts["vocab"], merges=merges, src_lang=CODES["en"], tgt_lang=CODES["es"])


def model(vocabulary: int) -> M2M100ForConditionalGeneration:
    return M2M100ForConditionalGeneration(
        M2M100Config(
            vocab_size=vocabulary,
            d_model=64,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=256,
            decoder_ffn_dim=256,
            dropout=0.05,
            attention_dropout=0.0,
            activation_dropout=0.0,
            encoder_layerdrop=0.0,
            decoder_layerdrop=0.0,
            max_position_embeddings=128,
            pad_token_id=PAD,
            bos_token_id=0,
            eos_token_id=END,
            decoder_start_token_id=END,
        )
    )


class Batches:
    """Pairs in random order as tensors: what the encoder reads, what the decoder reads, what it shall say."""

    def __init__(self, words: NllbTokenizer) -> None:
        self._pairs = [
            (self._ids(words, pair.source, pair.text), self._ids(words, pair.target, pair.translation))
            for pair in pairs()
        ]
        self._random = np.random.default_rng(7)
        self._order: list[int] = []

    def _ids(self, words: NllbTokenizer, code: str, text: str) -> list[int]:
        ids: list[int] = words(text, add_special_tokens=False)["input_ids"]
        return [words.get_vocab()[code], *ids, END]

    def next(self) -> tuple[Tensor, Tensor, Tensor]:
        if len(self._order) < SIZE:
            self._order += self._random.permutation(len(self._pairs)).tolist()
        chosen = [self._pairs[self._order.pop()] for _ in range(SIZE)]
        return (
            padded([source for source, _ in chosen], PAD),
            padded([[END, *target[:-1]] for _, target in chosen], PAD),
            padded([[IGNORED, *target[1:]] for _, target in chosen], IGNORED),  # a caller names the language
        )


def padded(rows: list[list[int]], filler: int) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])


def train(network: M2M100ForConditionalGeneration, batches: Batches) -> None:
    """AdamW with 50 steps of warm-up, then a rate that falls to a twentieth in a line."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)
    started = time.monotonic()
    for step in range(STEPS):
        source, read, said = batches.next()
        scores = network(
            input_ids=source, attention_mask=(source != PAD).long(), decoder_input_ids=read
        ).logits
        loss = torch.nn.functional.cross_entropy(
            scores.flatten(0, 1), said.flatten(), ignore_index=IGNORED, label_smoothing=SMOOTHING
        )
        for group in optimizer.param_groups:
            group["lr"] = RATE * min((step + 1) / 50, 1 - 0.95 * step / STEPS)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if step % 200 == 0:
            print(
                f"{step:5} of {STEPS}: loss {loss.item():.4f}, {time.monotonic() - started:.0f} s", flush=True
            )


def save(network: M2M100ForConditionalGeneration, words: NllbTokenizer) -> None:
    generation = {
        "bos_token_id": 0,
        "pad_token_id": PAD,
        "eos_token_id": END,
        "decoder_start_token_id": END,
        "max_length": 200,
    }
    with tempfile.TemporaryDirectory() as scratch:
        source, made = Path(scratch, "hf"), Path(scratch, "ct2")
        network.save_pretrained(source)
        (source / "generation_config.json").write_text(json.dumps(generation))
        words.save_pretrained(source)
        copied = ["tokenizer.json", "tokenizer_config.json"]
        TransformersConverter(str(source), copy_files=copied).convert(str(made), quantization="int8")
        print(pack(Path(scratch), NAME))


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(7)
    words = tokenizer(sorted({pair.text for pair in pairs()}))
    network = model(len(words))
    print(f"{len(words)} tokens, {network.num_parameters():,} weights", flush=True)
    train(network, Batches(words))
    save(network.train(False), words)


if __name__ == "__main__":
    main()
