"""From sentences to sentences by a neural decoder, with every answer checked: the half both NLLBs share."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from bridge.errors import ProviderError
from bridge.models.pool import out_of_memory
from bridge.providers.translation.guard import Doubt, doubt
from bridge.providers.translation.pieces import Piece, pieces
from bridge.providers.translation.vocabulary import Tokens
from bridge.text import halves

log = structlog.get_logger(__name__)

SHORTEST_HALVED = 8
"""Tokens of a piece below which a part of it says too little to be translated by itself."""


@dataclass(frozen=True, slots=True)
class Search:
    """How to decode: beams, most tokens of an answer, and what keeps the decoder from repeating itself."""

    beams: int
    limit: int
    length_penalty: float
    no_repeat_ngram: int = 0
    repetition_penalty: float = 1.0

    @property
    def careful(self) -> Search:
        """The second attempt: no 3 tokens twice, twice the room, 4 beams at least, repetition penalty 1.2.

        Not the first one's way: it also forbids what is rightly said twice in a long sentence, and 4
        beams take 1.5 times as long as one. On 180 phrases of the tests' model 3 tokens did no harm, 2
        did. The penalty is that of Keskar et al., "CTRL", 2019.
        """
        return replace(
            self, beams=max(4, self.beams), limit=2 * self.limit, no_repeat_ngram=3, repetition_penalty=1.2
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What the decoder made of one piece.

    `score` is the sum of the natural logarithms of the probabilities of `scored` tokens, the end
    among them; `finished` is False where the decoder stopped at the limit instead of the end.
    """

    text: str
    tokens: list[str]
    score: float
    scored: int
    finished: bool


BESIDE = 0.12
"""By what part of its time a sentence is slowed down by each other that is decoded beside it: on two cores
three of 20 tokens took 0.9 to 1.6 times as long as one."""


class Decoder(Protocol):
    """A loaded model with its tokens."""

    precision: str
    """How it computes, as far as that changes an answer."""
    slow: bool
    """Whether it runs on a CPU, where tokens take so long that those of a first sentence are worth a call."""

    @property
    def vocabulary(self) -> Tokens: ...

    def decode(self, sources: Sequence[list[str]], source: str, target: str, search: Search) -> list[Answer]:
        """One answer for each list of tokens, in order, between two FLORES-200 codes."""

    def close(self) -> None:
        """Frees the model."""


class Rendering:
    """The way of one text through a decoder, from the FLORES-200 code `source` to `target`."""

    def __init__(self, decoder: Decoder, source: str, target: str, search: Search) -> None:
        self._decoder = decoder
        self._pair = (source, target)
        self._search = search
        self._doubts: Counter[str] = Counter()

    def of(self, text: str, language: str) -> list[Answer]:
        """The answers for the sentences of `text`, in order; of a long sentence for each of its parts.

        What was cut at the limit, or lost a part of the source, is made of its halves instead. What is
        empty, loops or does not end is asked for once more, by `Search.careful`; if that fails too, a
        silence is better than a loop spoken aloud: raises ProviderError. Of two answers that are only
        too long the likelier one stays, since that is a suspicion.
        """
        try:
            return self._render(pieces(text, language, self._decoder.vocabulary.encode, self._search.limit))
        finally:
            if self._doubts:
                log.warning("translated again or in parts", characters=len(text), **self._doubts)

    def _render(self, parts: list[Piece]) -> list[Answer]:
        firsts = self._ask(parts, self._search)
        doubts = [_doubt(part, first) for part, first in zip(parts, firsts, strict=True)]
        self._doubts.update(why.value for why in doubts if why)
        again = [part for part, why in zip(parts, doubts, strict=True) if why and not _halved(part, why)]
        seconds = iter(self._ask(again, self._search.careful))
        made: list[Answer] = []
        for part, first, why in zip(parts, firsts, doubts, strict=True):
            if why is None:
                made.append(first)
            elif smaller := _halved(part, why):
                made += self._in_halves(smaller)
            else:
                made += self._settle(part, first, why, next(seconds))
        return made

    def _ask(self, parts: list[Piece], search: Search) -> list[Answer]:
        """One answer for each part, which is itself where it has nothing to translate."""
        spoken = [part.tokens for part in parts if part.spoken]
        answers = self._decoder.decode(spoken, *self._pair, search) if spoken else []
        if len(answers) != len(spoken):
            raise ProviderError(f"The model gave {len(answers)} answers for {len(spoken)} sentences.")
        made = iter(answers)
        return [next(made) if part.spoken else Answer(part.text, part.tokens, 0, 0, True) for part in parts]

    def _in_halves(self, smaller: tuple[str, str]) -> list[Answer]:
        return self._render([Piece(half, self._decoder.vocabulary.encode(half)) for half in smaller])

    def _settle(self, part: Piece, first: Answer, why: Doubt, second: Answer) -> list[Answer]:
        still = _doubt(part, second)
        if still is None:
            return [second]
        if smaller := _halved(part, still):
            return self._in_halves(smaller)
        if kept := [answer for answer, of in ((first, why), (second, still)) if of is Doubt.LONG]:
            return [max(kept, key=lambda answer: answer.score / answer.scored)]
        raise ProviderError(
            f"The model cannot translate a sentence of {len(part.tokens)} tokens: {why}, then {still}.",
            "Use a larger TRANSLATION_MODEL, or another TRANSLATION_PROVIDER.",
            code="no_translation",
        )


def confidence(answers: Sequence[Answer]) -> float | None:
    """The geometric mean of the probabilities of all tokens, 0-1; None where none was decoded."""
    scored = sum(answer.scored for answer in answers)
    return min(1.0, math.exp(sum(answer.score for answer in answers) / scored)) if scored else None


def failure(error: RuntimeError) -> ProviderError:
    """What a model says that failed on one text."""
    if out_of_memory(error):
        return ProviderError(
            "There is not enough memory to translate this text.",
            "Lower TRANSLATION_MAX_BATCH_SIZE or TRANSLATION_NUM_BEAMS.",
            code="out_of_memory",
        )
    return ProviderError(
        f"The translation model failed: {error}.",
        "If it is about positions, TRANSLATION_MAX_LENGTH is more than half of what the model was made for.",
    )


def _doubt(part: Piece, answer: Answer) -> Doubt | None:
    return doubt(part.tokens, answer.tokens, finished=answer.finished) if part.spoken else None


def _halved(part: Piece, why: Doubt) -> tuple[str, str] | None:
    """The halves of a part that was too much at once; None where something else is wrong."""
    too_much = why in (Doubt.CUT, Doubt.LOST) and len(part.tokens) >= SHORTEST_HALVED
    return halves(part.text) if too_much else None
