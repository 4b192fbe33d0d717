"""The translation stage: a transcript becomes text in one target language; who speaks it gets the words."""

from __future__ import annotations

from typing import Any

from bridge.languages import same
from bridge.providers import Translator
from bridge.tasks import app
from bridge.tasks.partials import look
from bridge.tasks.partials import translation as partial
from bridge.tasks.run import Results, run
from bridge.types import Phrase, Translation, Work


@app.task(name="translation.translate", resultrepr_maxsize=0)
def translate(message: dict[str, Any], target: str, voice: str | None) -> dict[str, Any]:
    if message.get("partial"):
        return look("translation", message, partial)
    return run("translation", message | {"target": target, "voice": voice}, _results)


def _results(provider: Translator, work: Work, _: bytes | None) -> Results:
    assert work.source is not None and work.target is not None
    kept = same(work.source, work.target)
    if kept:
        translation = Translation(work.text)
    else:
        translation = provider.translate(Phrase(work.text, work.source, work.target, work.quick))
    yield {
        "kind": "text",
        "text": translation.text,
        "language": work.target,
        "confidence": translation.confidence,
    }
    if kept and work.floor:
        return None  # heard in the speaker's own voice, or not at all
    return work.but(text=translation.text)
