"""The tokens of a translation model whose folder has a sentencepiece model and no tokenizer.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bridge.errors import ProviderError, ProviderMissing
from bridge.extras import install


class Sentencepieces:
    """Text to tokens and back as `Vocabulary`; numbers are CTranslate2's affair, which is given tokens.

    Words that look like a token of control, such as "</s>", are text to sentencepiece. Raises
    ProviderMissing where the package lacks, ProviderError for files that cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from sentencepiece import SentencePieceProcessor
        except ImportError:
            raise ProviderMissing("The sentencepiece package is not installed.", install("nllb")) from None
        path = found(folder)
        try:
            self._pieces = SentencePieceProcessor(model_file=str(path))
            self._known = _listed(folder)
        except (RuntimeError, OSError, ValueError) as error:
            raise ProviderError(
                f"The tokens in {folder} cannot be read: {error}.", "Pull or convert the model again."
            ) from None

    def __contains__(self, token: str) -> bool:
        return token in self._known

    def encode(self, text: str) -> list[str]:
        """The tokens of a sentence, without language and end."""
        # By number and back, since asked for pieces it spells unknown characters out.
        return [self._pieces.id_to_piece(number) for number in self._pieces.encode(text)]

    def decode(self, tokens: Sequence[str]) -> str:
        """The text of tokens; those that mean no text, such as a language, are left out."""
        numbers = [self._pieces.piece_to_id(token) for token in tokens]
        unknown = self._pieces.unk_id()
        text: str = self._pieces.decode([number for number in numbers if number != unknown])
        return text.strip()


def found(folder: Path) -> Path | None:
    """The sentencepiece model in a folder; of several the first by name."""
    return min(folder.glob("*.model"), default=None)


def _listed(folder: Path) -> frozenset[str]:
    """The tokens that a model of CTranslate2 has, the languages among them; older ones list them as text."""
    listed = folder / "shared_vocabulary.json"
    if listed.is_file():
        return frozenset(json.loads(listed.read_text("utf-8")))
    return frozenset((folder / "shared_vocabulary.txt").read_text("utf-8").split("\n"))
