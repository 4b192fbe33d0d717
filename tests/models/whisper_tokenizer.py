"""Whisper's tokenizer.json without a hub: faster-whisper asks the network for it where a model has none.

Made of the vocabulary in the source archive of openai-whisper 20250625 (MIT), which
`pip download --no-deps --no-binary :all: openai-whisper==20250625` fetches.
"""

from __future__ import annotations

import ast
import base64
import tarfile
from itertools import pairwise
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

FOLDER = "openai_whisper-20250625/whisper"
LANGUAGES = 99
"""The first 99 of the list; the hundredth came with a later vocabulary."""

SIZE = 51865


def build(source: Path) -> Tokenizer:
    """The multilingual tokenizer of 51 865 tokens from the archive `source`."""
    with tarfile.open(source) as archive:
        ranks = _ranks(_member(archive, "assets/multilingual.tiktoken"))
        languages = _languages(_member(archive, "tokenizer.py"))
    letters = _printable()

    def shown(piece: bytes) -> str:
        return "".join(letters[byte] for byte in piece)

    merges = [_parts(piece, ranks) for piece in ranks if len(piece) > 1]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={shown(piece): rank for piece, rank in ranks.items()},
            merges=[(shown(left), shown(right)) for left, right in merges],
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([_whole(name) for name in _names(languages)])
    tokenizer.add_tokens([_whole(f"{step * 0.02:.2f}") for step in range(1501)])
    if tokenizer.get_vocab_size() != SIZE:
        raise ValueError(f"{source} makes {tokenizer.get_vocab_size()} tokens instead of {SIZE}")
    return tokenizer


def _member(archive: tarfile.TarFile, name: str) -> str:
    file = archive.extractfile(f"{FOLDER}/{name}")
    if file is None:
        raise ValueError(f"{FOLDER}/{name} is no file of the archive")
    return file.read().decode()


def _ranks(text: str) -> dict[bytes, int]:
    pairs = (line.split() for line in text.splitlines() if line)
    return {base64.b64decode(piece): int(rank) for piece, rank in pairs}


def _languages(source: str) -> list[str]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LANGUAGES":
            return list(ast.literal_eval(node.value))[:LANGUAGES]
    raise ValueError("the archive's tokenizer.py has no list LANGUAGES")


def _names(languages: list[str]) -> list[str]:
    tasks = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]
    return ["endoftext", "startoftranscript", *languages, *tasks]


def _whole(name: str) -> AddedToken:
    return AddedToken(f"<|{name}|>", normalized=False, special=False)


def _parts(piece: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """The two parts whose merge makes `piece`: what is left of it with the merges of lower rank alone."""
    parts = [bytes([byte]) for byte in piece]
    while len(parts) > 2:
        pairs = [(ranks.get(left + right), at) for at, (left, right) in enumerate(pairwise(parts))]
        _, at = min((rank, at) for rank, at in pairs if rank is not None and rank < ranks[piece])
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]


def _printable() -> dict[int, str]:
    """GPT-2's characters for bytes: printable ones stand for themselves, others for 256 and up."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + at) for at, byte in enumerate(others)}
