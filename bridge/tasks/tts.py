"""The tts stage: a translation becomes speech at the listener's rate, sent piece by piece."""

from __future__ import annotations

from typing import Any

from bridge.audio import Resampler
from bridge.providers import Synthesizer
from bridge.tasks import app
from bridge.tasks.run import Results, run
from bridge.types import SAMPLE_BYTES, Utterance, Work

PIECE_MS = 200
"""Audio per event after the first piece, which leaves as soon as the engine has it."""


@app.task(name="tts.synthesize", resultrepr_maxsize=0)
def synthesize(message: dict[str, Any]) -> dict[str, Any]:
    return run("tts", message, _results)


def _results(provider: Synthesizer, work: Work, _: bytes | None) -> Results:
    assert work.target is not None
    resampler: Resampler | None = None
    pieces = Pieces(work.rate)
    for audio in provider.synthesize(Utterance(work.text, work.target, work.voice)):
        if resampler is None:
            resampler = Resampler(audio.rate, work.rate)
        yield from pieces.add(resampler.feed(audio.pcm))
    if resampler is not None:
        yield from pieces.add(resampler.feed(b"", last=True), last=True)
    yield {"kind": "done", "index": pieces.count, "rate": work.rate, "offset": pieces.sent}
    return None


class Pieces:
    """Joins what the engine gives in small chunks: an entry per 60 ms callback would cost 0.2 ms each."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.count = 0
        self.sent = 0
        self._pending = bytearray()

    def add(self, pcm: bytes, *, last: bool = False) -> list[dict[str, Any]]:
        """The event fields of the piece that is due now, if one is."""
        self._pending += pcm
        samples = len(self._pending) // SAMPLE_BYTES
        due = samples * 1000 >= PIECE_MS * self.rate or self.count == 0 or last
        if not samples or not due:
            return []
        event = {
            "kind": "audio",
            "index": self.count,
            "pcm": bytes(self._pending),
            "rate": self.rate,
            "offset": self.sent,
        }
        self.count += 1
        self.sent += samples
        self._pending.clear()
        return [event]
