"""The translation stage: a transcript becomes text in one target language."""

from __future__ import annotations

from typing import Any

from bridge.providers import Translator
from bridge.tasks import app
from bridge.tasks.run import Results, run
from bridge.types import Phrase, Work


@app.task(name="translation.translate", resultrepr_maxsize=0)
def translate(message: dict[str, Any], target: str, voice: str | None) -> dict[str, Any]:
    return run("translation", message | {"target": target, "voice": voice}, _results)


def _results(provider: Translator, work: Work, _: bytes | None) -> Results:
    assert work.source is not None and work.target is not None
    translation = provider.translate(Phrase(work.text, work.source, work.target))
    yield {
        "kind": "text",
        "text": translation.text,
        "language": work.target,
        "confidence": translation.confidence,
    }
    return work.but(text=translation.text)
