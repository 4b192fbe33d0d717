"""The proof that a stack works: real speech goes in at the gateway, its translation comes out."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from bridge.cli.network import fetch
from bridge.cli.probe import CLIP, CLIP_LANGUAGE
from bridge.client import translate
from bridge.errors import BridgeError
from bridge.media import decode

if TYPE_CHECKING:
    from bridge.client import Result, Segment

SECONDS = 60.0
MEANING = {
    "endpoint": "silence until the end of speech was certain",
    "draft": "silence until work was begun, beside the rest of the silence",
    "queue": "waits for a worker",
    "stt": "speech to text",
    "translation": "text to text",
    "tts": "text to the first piece of speech",
    "first_audio": "end of speech until the translation is heard",
    "total": "end of speech until all of it was sent",
}


async def selfcheck(url: str, console: Console) -> None:
    """Speaks the bundled clip to the gateway at `url`, as fast as a person would, and prints what came back.

    Raises BridgeError where no translation comes.
    """
    target = await asyncio.to_thread(choose_target, url)
    if target is None:
        console.print(f"self-check left out: no worker hears {CLIP_LANGUAGE}, the language of {CLIP.name}")
        return
    with console.status(f"self-check: translating {CLIP.name} to {target}"):
        try:
            async with asyncio.timeout(SECONDS):
                result = await translate(url, decode(CLIP), CLIP_LANGUAGE, [target], realtime=True)
        except TimeoutError:
            raise _failed(f"nothing came back within {SECONDS:g} s") from None
    _print(result, target, console)


def choose_target(url: str) -> str | None:
    """The language to translate the clip to, Spanish if there is a choice; None where its own is not offered.

    Raises BridgeError where the gateway does not say what it offers.
    """
    parts = urlsplit(url)
    answer = fetch(parts.hostname or "", parts.port or 80, "/v1/languages")
    try:
        status, body = answer or (0, "nobody answers")
        pairs = json.loads(body)["pairs"] if status == 200 else None
    except (ValueError, KeyError):
        pairs = None
    if pairs is None:
        raise _failed(f"the gateway did not say what it offers: {body[:300]}")
    offered = [pair for pair in pairs if pair["source"] == CLIP_LANGUAGE]
    # Words that are passed on as they are would prove nothing of the translation.
    targets = [to for _, to in sorted((pair.get("as_spoken", False), pair["target"]) for pair in offered)]
    return "es" if "es" in targets else next(iter(targets), None)


def _print(result: Result, target: str, console: Console) -> None:
    for segment in result.segments.values():
        for failure in segment.failures:
            raise _failed(f"{failure.stage}: {failure.message}")
    heard = [segment for segment in result.segments.values() if segment.text]
    spoken = [segment.translations[target] for segment in heard if target in segment.translations]
    if not spoken or not all(one.text and one.pcm for one in spoken):
        raise _failed("no speech came back")
    console.print(f"self-check on {CLIP.name}", markup=False)
    console.print(f"  {CLIP_LANGUAGE}  {' '.join(segment.text for segment in heard)}", markup=False)
    text, ms = " ".join(one.text for one in spoken), sum(one.audio_ms for one in spoken)
    console.print(f"  {target}  {text}   ({ms / 1000:.1f} s of speech)", markup=False)
    for segment in heard:
        console.print(_latencies(segment))


def _latencies(segment: Segment) -> Table:
    table = Table("stage", "ms", "what", box=None, padding=(0, 2))
    table.columns[1].justify = "right"
    for name, ms in segment.timings_ms.items():
        table.add_row(name, f"{ms:.0f}", MEANING.get(name, ""))
    return table


def _failed(why: str) -> BridgeError:
    return BridgeError(
        f"The self-check failed: {why}.",
        "`speechbridge doctor` finds what is missing; `speechbridge up --no-check` starts without it.",
        code="selfcheck_failed",
    )
