"""The tts stage: a translation becomes speech at the voice's own rate, sentence by sentence, in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridge.providers import Synthesizer
from bridge.spoken import spoken
from bridge.tasks import app
from bridge.tasks.run import Results, run
from bridge.text import sentences
from bridge.types import SAMPLE_BYTES, SPEECH_RATE, Audio, Utterance, Work

PIECE_MS = 200
"""Audio per event after the first piece of a sentence, which leaves as soon as the engine has it."""


@app.task(name="tts.synthesize", resultrepr_maxsize=0)
def synthesize(message: dict[str, Any]) -> dict[str, Any]:
    return run("tts", message, _results)


def _results(provider: Synthesizer, work: Work, _: bytes | None) -> Results:
    assert work.target is not None
    pieces = Pieces()
    for number, sentence in enumerate(_sentences(work)):
        if number >= work.sentence:
            soon = number == work.sentence and not work.part
            utterance = Utterance(spoken(sentence, work.target), work.target, work.voice, work.speed, soon)
            yield from pieces.of(number, _sound(provider, utterance))
    yield {"kind": "done", "index": pieces.count, "rate": pieces.rate}
    return None


def _sentences(work: Work) -> list[str]:
    """Those of the whole text, in whichever part they are spoken: a head ends with a sentence."""
    rest = work.text.removeprefix(work.head)
    return [*sentences(work.head, work.target), *sentences(rest, work.target)]


def _sound(provider: Synthesizer, utterance: Utterance) -> Iterator[Audio]:
    if utterance.text:
        yield from provider.synthesize(utterance)


class Pieces:
    """Joins what the engine gives in small chunks: an entry per 60 ms callback would cost 0.2 ms each.

    Every sentence ends with one piece that is marked `last`, which has no sound where the sentence has
    none, or where all of it has left already: nothing is held back to find out what comes last.
    """

    def __init__(self) -> None:
        self.count = 0
        self.rate = SPEECH_RATE
        self._pending = bytearray()

    def of(self, sentence: int, sound: Iterator[Audio]) -> Iterator[dict[str, Any]]:
        """The event fields of a sentence's pieces, each as soon as it is due."""
        first = True
        for audio in sound:
            if audio.rate != self.rate:
                if self._pending:
                    yield self._piece(sentence)
                self.rate = audio.rate
            self._pending += audio.pcm
            if self._pending and (first or self._pending_ms() >= PIECE_MS):
                first = False
                yield self._piece(sentence)
        yield self._piece(sentence, last=True)

    def _pending_ms(self) -> float:
        return len(self._pending) // SAMPLE_BYTES * 1000 / self.rate

    def _piece(self, sentence: int, last: bool = False) -> dict[str, Any]:
        piece = {
            "kind": "audio",
            "sentence": sentence,
            "index": self.count,
            "pcm": bytes(self._pending),
            "rate": self.rate,
            "last": last,
        }
        self.count += 1
        self._pending.clear()
        return piece
