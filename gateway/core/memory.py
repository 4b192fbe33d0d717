"""What a speaker said just before, for engines that understand better with it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.languages import same
from bridge.types import Event, Work

CHARACTERS = 400
"""Of all that is remembered at most: it travels with each piece of work."""


@dataclass(frozen=True, slots=True)
class Recall:
    """So many segments are remembered, each for so many seconds; with 0 nothing is."""

    segments: int = 0
    seconds: float = 0.0


FORGETFUL = Recall()


class Memory:
    """Of one speaker, by segment: of several drafts of one the last counts."""

    def __init__(self, recall: Recall) -> None:
        self._recall = recall
        self._said: dict[int, tuple[float, str, str]] = {}

    def note(self, event: Event, now: float) -> None:
        """The words of a segment are known."""
        if self._recall.segments:
            self._said[event.segment] = (now, event.language or "", event.text)
            self._forget(now)

    def before(self, work: Work, now: float) -> tuple[str, ...]:
        """What was said before this segment in its language, oldest first, as far as that is known.

        Where the language is to be detected, that of the segment before counts for it; nothing is known
        where that is not named.
        """
        self._forget(now)
        language = work.source or work.prior
        earlier = [
            text
            for segment, (_, spoken, text) in sorted(self._said.items())
            if segment < work.segment and language and same(spoken, language)
        ]
        found, left = list[str](), CHARACTERS
        for text in reversed(earlier[-self._recall.segments :]):
            found.append(text if len(text) <= left else _end(text, left))
            left -= len(found[-1])
        return tuple(filter(None, reversed(found)))

    def _forget(self, now: float) -> None:
        kept = [
            segment for segment in sorted(self._said) if now - self._said[segment][0] < self._recall.seconds
        ]
        # Some more than are told: a segment may be sent again when later ones are known.
        self._said = {segment: self._said[segment] for segment in kept[-2 * self._recall.segments - 8 :]}


def _end(text: str, most: int) -> str:
    """The last words of a text in so many characters."""
    end = text[len(text) - most :] if most else ""
    return (end.partition(" ")[2] or end).strip()
