"""Whether a worker holds the model that a piece of work needs, as far as the names of its models tell."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridge.types import Stage

_VOICE = re.compile(r"([a-z]{2,3})([_-][A-Za-z]{2,4})?-")
"""How the name of a voice of one language begins: es_ES-davefx-medium."""
_PAIR = re.compile(r"(?:^|[-_/])([a-z]{2,3})[-_]([a-z]{2,3})$")
"""How the name of a translation model of one pair ends: opus-mt-en-es."""


def holds(
    models: Sequence[str], stage: Stage, source: str | None, target: str | None, voice: str | None
) -> bool:
    """Whether one of `models` does this piece of work without another being loaded first.

    An engine that names no models has none to load. stt: a worker has one size of model, for all languages.
    translation: a model of the pair, or one whose name tells of no pair and serves them all. tts: the voice
    that the listener asked for; else any voice of the language, or a model whose name tells of no language.
    """
    if not models or stage == "stt" or target is None:
        return True
    if stage == "translation":
        pairs = [found.groups() for name in models if (found := _PAIR.search(name))]
        return len(pairs) < len(models) or any(_pair(pair, source, target) for pair in pairs)
    if voice in models:
        return True
    spoken = [found[1] for name in models if (found := _VOICE.match(name))]
    named = voice is not None and _VOICE.match(voice) is not None
    return len(spoken) < len(models) or (not named and _base(target) in spoken)


def _pair(pair: tuple[str, ...], source: str | None, target: str) -> bool:
    return pair[1] == _base(target) and (source is None or pair[0] == _base(source))


def _base(tag: str) -> str:
    return tag.partition("-")[0]
