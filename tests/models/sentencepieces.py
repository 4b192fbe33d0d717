"""Writes the tokens of a small model as sentencepiece has them: the same merges in the same order."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree
from typing import Any

from tests.models.fixtures import engine


def by_sentencepiece(model: Path, into: Path) -> Path:
    """A copy of a model for CTranslate2 with a sentencepiece.bpe.model in place of its tokenizer.json."""
    folder = copytree(model, into)
    tokenizer = folder / "tokenizer.json"
    (folder / "sentencepiece.bpe.model").write_bytes(written(json.loads(tokenizer.read_text("utf-8"))))
    tokenizer.unlink()
    return folder


def written(tokenizer: dict[str, Any]) -> bytes:
    """The byte pairs of a tokenizer.json: of two, sentencepiece merges the one of the better score first."""
    made: Any = engine("sentencepiece.sentencepiece_model_pb2")
    model, kinds = made.ModelProto(), made.ModelProto.SentencePiece
    for name, kind in (("<unk>", kinds.UNKNOWN), ("<s>", kinds.CONTROL), ("</s>", kinds.CONTROL)):
        model.pieces.add(piece=name, score=0, type=kind)
    merged = dict.fromkeys("".join(pair) for pair in tokenizer["model"]["merges"])
    letters = [token for token in tokenizer["model"]["vocab"] if len(token) == 1]
    for rank, token in enumerate([*merged, *letters]):
        model.pieces.add(piece=token, score=-rank)
    model.trainer_spec.model_type = made.TrainerSpec.BPE
    model.normalizer_spec.name = "identity"
    bytes_of: bytes = model.SerializeToString()
    return bytes_of
