"""Where the time of a segment goes, stage by stage, from speech in real time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from bridge import text
from bridge.audio import Resampler
from bridge.cli.bench.arms import arms
from bridge.cli.bench.crowd import Crowd
from bridge.cli.bench.levels import samples
from bridge.cli.bench.load import TARGET, utterance
from bridge.cli.bench.report import Report
from bridge.cli.bench.slo import grade
from bridge.cli.probe import CLIP_LANGUAGE
from bridge.errors import BridgeError
from bridge.protocol import wire
from bridge.settings import Settings
from bridge.spoken import spoken
from bridge.types import SAMPLE_BYTES
from gateway.runtime.vad import WINDOW_BYTES, Model

STAGES = {
    "audio": "Audio Processing",
    "vad": "VAD",
    "stt": "Speech-to-Text",
    "translation": "NLP",
    "text": "Response Generation",
    "tts": "Text-to-Speech",
}
"""What is printed for each stage, in the order of a segment's way."""
VOICE_RATE = 22_050
"""Hz of most voices: what the gateway has to change for a listener."""
PIECE_MS = 200
RULE = "-" * 32


def measured(iterations: int, engines_ms: Mapping[str, int] | None, url: str = "") -> Report:
    """Has one session speak, and times beside it what the gateway and the workers do with its speech.

    Raises BridgeError where the stack does not start, or nothing was heard whole.
    """
    report = Report("pipeline", {"iterations": iterations, "engines": dict(engines_ms or {}) or "in force"})
    with arms({"": {}}, engines_ms, 1, url) as (arm,), Crowd(arm.url, 1, iterations + 1) as crowd:
        crowd.wait()
    accounts = [account for account in crowd.between("speaking", "quiet") if account.whole]
    found = samples(accounts, engines_ms)
    if not found:
        raise BridgeError("Nothing was heard whole.", "See what is missing: speechbridge doctor")
    texts = [account.text for account in accounts if account.text]
    report.add({"audio_ms": audio(), "vad_ms": vad(), "text_ms": texted(texts)})
    report.add(found)
    return report


def lines(report: Report) -> Iterator[str]:
    """The table: medians of each stage, their share of the sum, and how good they are."""
    medians = {name: float(np.median(report.samples[f"{name}_ms"])) for name in STAGES}
    total = sum(medians.values())
    for name, label in STAGES.items():
        ms = medians[name]
        share = 100 * ms / total if total else 0.0
        yield f"{label + ':':<21}{ms:6.2f}ms ({share:4.1f}%)  {grade(name, ms)}"
    yield RULE
    yield f"{'TOTAL LATENCY:':<21}{total:6.2f}ms  {grade('after_endpoint', total)}"
    yield ""
    for name, what in (
        ("endpoint_ms", "silence that ends a segment"),
        ("queue_ms", "waits in queues"),
        ("after_endpoint_ms", "first audio, without that silence"),
        ("first_audio_ms", "first audio, from the end of speech"),
    ):
        yield f"{float(np.median(report.samples[name])):8.2f}ms  {what}"
    here = report.machine
    yield f"medians of {len(report.samples['stt_ms'])}; {here['cores']} cores of {here['cpu']}"


def audio(count: int = 50) -> list[float]:
    """To bring a first piece of speech to the rate of a listener and to pack its frame."""
    piece = (utterance() * 2)[: VOICE_RATE * PIECE_MS // 1000 * SAMPLE_BYTES]
    rate = Settings.read().sample_rate

    def once() -> None:
        resampler = Resampler(VOICE_RATE, rate)
        pcm = resampler.feed(piece)
        wire.pack_audio(seq=1, segment=0, target=0, offset=0, pcm=pcm)

    return _timed([once] * count)


def vad() -> list[float]:
    """To judge a window of 32 ms, for each window of an utterance."""
    stream = Model().stream()
    said = utterance()
    starts = range(0, len(said) - WINDOW_BYTES, WINDOW_BYTES)
    windows = [said[at : at + WINDOW_BYTES] for at in starts]
    return _timed([lambda window=window: stream.feed(window) for window in windows])  # type: ignore[misc]


def texted(texts: Sequence[str]) -> list[float]:
    """To clean a text, split it into sentences and write them as they are spoken."""

    def once(said: str) -> None:
        for sentence in text.sentences(text.clean(said), CLIP_LANGUAGE):
            spoken(sentence, TARGET)

    for said in texts[:1]:
        once(said)
    return _timed([lambda said=said: once(said) for said in texts])  # type: ignore[misc]


def _timed(calls: Sequence[Callable[[], object]]) -> list[float]:
    taken = []
    for call in calls:
        since = time.perf_counter()
        call()
        taken.append((time.perf_counter() - since) * 1000)
    return taken
