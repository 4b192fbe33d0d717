"""Cuts a text into what a model translates well, one sentence at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge import text


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence, or a part of one that was too long, and its tokens."""

    text: str
    tokens: list[str]

    @property
    def spoken(self) -> bool:
        """Whether there is a letter or digit to translate: of "…" a model makes words up."""
        return any(character.isalnum() for character in self.text)


def pieces(whole: str, language: str, encode: Callable[[str], list[str]], limit: int) -> list[Piece]:
    """The sentences of `whole` in order, those of more than `limit` tokens in parts; none is lost."""
    return [
        Piece(part, encode(part))
        for sentence in text.sentences(text.clean(whole), language)
        for part in text.parts(sentence, lambda part: len(encode(part)) <= limit)
    ]
