"""One trace for each segment, from the real gateway over real workers to the first frame that leaves."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest

from bridge.client import Client
from bridge.media import decode
from bridge.protocol.server_messages import TranslationFinal
from bridge.types import SPEECH_RATE
from tests.collector import Collector
from tests.stack import REPOSITORY, Stack, wait_until

pytestmark = pytest.mark.e2e

CLIP = b"".join(decode(REPOSITORY / "tests" / "data" / "speech" / "go_forward.wav"))
STEP = SPEECH_RATE // 50 * 2
NAMES = ["segment", "draft", "dispatch", "stt", "translation", "tts", "deliver"]


async def speak(url: str, *, live: bool) -> tuple[str, str]:
    """Says one sentence, as fast as people do or at once: the session, and what it became."""
    words = ""
    async with Client(url, "en", ["es"]) as client, asyncio.timeout(10):

        async def say() -> None:
            for at in range(0, len(CLIP), STEP):
                await client.send_audio(CLIP[at : at + STEP])
                if live:
                    await asyncio.sleep(0.02)
            await client.send_audio(bytes(SPEECH_RATE))
            await client.end()

        saying = asyncio.create_task(say())
        async for message in client:
            if isinstance(message, TranslationFinal):
                words = message.text
        await saying
        return client.started.session_id, words


def test_a_segment_is_one_trace_with_every_stage_below_it(simulated: Stack, traces: Collector) -> None:
    session, words = asyncio.run(speak(simulated.url, live=True))
    wait_until(lambda: len(traces.of(session)) >= len(NAMES), 5, "all spans are there")
    spans = {span.name: span for span in traces.of(session)}
    segment = spans["segment"]
    stages = [spans[name] for name in ("dispatch", "stt", "translation", "tts", "deliver")]

    assert sorted(span.name for span in traces.of(session)) == sorted(NAMES)
    assert {span.trace for span in spans.values()} == {segment.trace}
    assert segment.parent == ""
    assert {span.parent for name, span in spans.items() if name != "segment"} == {segment.id}
    assert all(segment.start <= span.start <= span.end <= segment.end + 0.005 for span in spans.values())
    assert [span.start for span in stages] == sorted(span.start for span in stages)
    assert spans["stt"].end <= spans["translation"].start and spans["translation"].end <= spans["tts"].start
    assert {name: span.service for name, span in spans.items()} == {
        **dict.fromkeys(NAMES, "speechbridge-gateway"),
        **{stage: f"speechbridge-{stage}" for stage in ("stt", "translation", "tts")},
    }
    assert spans["stt"].attributes["bridge.provider"] == "simulated"
    assert spans["draft"].attributes["bridge.outcome"] == "promoted"
    assert words and not [span for span in spans.values() if words in str(span)]
    assert not any(span.failed for span in spans.values())


def test_what_is_not_sampled_is_sent_by_nobody(
    simulated: Stack, traces: Collector, with_gateway: Callable[..., Stack]
) -> None:
    quiet = with_gateway(simulated, OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0")
    unseen, words = asyncio.run(speak(quiet.url, live=False))
    quiet.stop()  # sends what is left
    seen, _ = asyncio.run(speak(simulated.url, live=False))
    # Each worker sends its spans in the order of its work.
    wait_until(
        lambda: {"segment", "stt", "tts"} <= {span.name for span in traces.of(seen)}, 5, "they are there"
    )

    assert words
    assert traces.of(unseen) == []


OFF = """
import sys, gateway.server, bridge.tasks.boot
from bridge import tracing
tracing.setup("speechbridge-gateway")
print(tracing.tracer, [name for name in sys.modules if name.startswith(("opentelemetry.sdk.trace",
    "opentelemetry.exporter", "bridge.otel"))])
"""


def test_nothing_that_traces_is_imported_where_it_is_off() -> None:
    """fastapi and redis import the API and the metrics by themselves."""
    ended = subprocess.run(
        [sys.executable, "-c", OFF], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )

    assert ended.stdout == "None []\n"
