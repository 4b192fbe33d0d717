"""The tokens of a translation model, by the `tokenizers` package alone: transformers need not be there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bridge.errors import ProviderError


class Tokens(Protocol):
    """What a translation needs of a model's tokens, however they are stored."""

    def __contains__(self, token: str) -> bool: ...

    def encode(self, text: str) -> list[str]:
        """The tokens of a sentence, without language and end."""

    def decode(self, tokens: Sequence[str]) -> str:
        """The text of tokens; those that mean no text, such as a language, are left out."""


class Vocabulary:
    """Text to tokens and back, from the `tokenizer.json` of a model. Raises ProviderError."""

    END = "</s>"
    PADDING = "<pad>"

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the package raises nothing narrower
            raise ProviderError(
                f"{path} cannot be read: {error}.", "Pull or convert the model again."
            ) from None
        # Nobody may end a sentence or change its language by saying "</s>" or "fra_Latn".
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def __contains__(self, token: str) -> bool:
        return self._tokenizer.token_to_id(token) is not None

    def encode(self, text: str) -> list[str]:
        """The tokens of a sentence, without language and end."""
        tokens: list[str] = self._tokenizer.encode(text, add_special_tokens=False).tokens
        return tokens

    def ids(self, tokens: Sequence[str]) -> list[int]:
        """The number of each token that the vocabulary has."""
        found = (self._tokenizer.token_to_id(token) for token in tokens)
        return [number for number in found if number is not None]

    def tokens(self, ids: Sequence[int]) -> list[str]:
        """The token of each number."""
        return [self._tokenizer.id_to_token(number) or "" for number in ids]

    def decode(self, tokens: Sequence[str]) -> str:
        """The text of tokens; those that mean no text, such as a language, are left out."""
        text: str = self._tokenizer.decode(self.ids(tokens), skip_special_tokens=True)
        return text.strip()
