"""Speech that goes on, through pocketsphinx: of each look at it only what is new costs time.

A whole look takes as long as the segment's transcript does, a second at 7 s of speech; half a second more
through a decoder that remembers the rest takes 0.1 s. It knows less of the speaker (live CMN), so what it
finds is good for a caption and no more.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocketsphinx import Decoder

_VARIANT = re.compile(r"\(\d+\)\Z")
_FRAME_MS = 10


class Growing:
    """One decoder and what it was given; audio that does not go on from there is begun anew."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._given = b""

    def hear(self, pcm: bytes) -> tuple[str, tuple[int, ...]]:
        """The words of `pcm` so far, PCM s16le at 16 kHz, and their ends as in Hypothesis.

        Raises RuntimeError where the engine fails; the next call begins anew.
        """
        try:
            if not self._given or not pcm.startswith(self._given):
                self._begin()
            new, self._given = pcm[len(self._given) :], pcm
            if new:
                self._decoder.process_raw(new)
            return self._words()
        except RuntimeError:
            self._given = b""
            raise

    def _begin(self) -> None:
        if self._given:
            self._decoder.end_utt()
        self._given = b""
        self._decoder.start_utt()

    def _words(self) -> tuple[str, tuple[int, ...]]:
        if self._decoder.hyp() is None:
            return "", ()
        spoken = [part for part in self._decoder.seg() if part.word[0] not in "<[+"]
        words = [_VARIANT.sub("", part.word) for part in spoken]
        ends = accumulate(words, lambda end, word: end + 1 + len(word), initial=-1)
        times = [(part.end_frame + 1) * _FRAME_MS for part in spoken]
        marks = (mark for pair in zip(list(ends)[1:], times, strict=True) for mark in pair)
        return " ".join(words), tuple(marks)
