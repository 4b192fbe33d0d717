"""The stt stage: a segment's speech becomes a transcript."""

from __future__ import annotations

from typing import Any

from bridge.errors import AudioError
from bridge.providers import Transcriber
from bridge.tasks import app
from bridge.tasks.partials import hypothesis, look
from bridge.tasks.run import Results, run
from bridge.types import SPEECH_RATE, Audio, Speech, Work


@app.task(name="stt.transcribe", resultrepr_maxsize=0)
def transcribe(message: dict[str, Any]) -> dict[str, Any]:
    if message.get("partial"):
        return look("stt", message, hypothesis)
    return run("stt", message, _results)


def _results(provider: Transcriber, work: Work, pcm: bytes | None) -> Results:
    if pcm is None:
        raise AudioError("The audio of this segment is gone: it waited longer than it is kept.")
    speech = Speech(Audio(pcm, SPEECH_RATE), work.source, work.among, work.prior or None, work.quick)
    transcript = provider.transcribe(speech)
    yield {
        "kind": "text",
        "text": transcript.text,
        "language": transcript.language,
        "confidence": transcript.confidence,
    }
    if not transcript.text:
        return None  # nothing was said: there is nothing to translate
    return work.but(text=transcript.text, source=transcript.language, audio="")
