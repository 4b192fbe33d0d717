"""Which language was spoken, by how likely an engine holds each: the decision without the engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping

MARGIN = 0.25
"""How far beyond even chances another language than the one before must be: three to one.

Who talks says more than one segment before the other one answers. Where three of four segments stay in the
language of the one before, an engine that knows nothing of that must hold the other language for three
times as likely, or staying is the better guess. A word of both languages ("ok") speaks for neither, and so
does not turn the conversation.
"""


def spoken(likely: Mapping[str, float], allowed: Collection[str], prior: str | None = None) -> str:
    """The likeliest of the `allowed` languages (one at least), unless `prior` is one of them and not clearly
    less likely: of these two alone the likeliest must have more than 1/2 + MARGIN.

    `likely` holds probabilities of any sum; a language that lacks is held for impossible.
    """
    best = max(allowed, key=lambda language: likely.get(language, 0.0))
    if prior is None or prior not in allowed:
        return best
    mine, other = likely.get(prior, 0.0), likely.get(best, 0.0)
    return best if other > (0.5 + MARGIN) * (mine + other) else prior
