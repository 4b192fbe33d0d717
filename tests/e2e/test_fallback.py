"""A vendor in trouble while eight people speak: nothing is lost, and the next provider is asked in time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from bridge.client import Result, translate
from tests.bridge.providers.vendors import openai
from tests.bridge.providers.vendors.server import Answer, Asked, said
from tests.e2e.victim import CLIP, VAD
from tests.stack import SIMULATED, Stack, running

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SPEAKERS, SENTENCES = 8, 3
FIRST_BYTE_MS = 300
TROUBLES = {
    "first byte after 30 s": Answer(late=True),
    "error 500": said({}, 500),
    "connection reset in mid-answer": Answer(b"\1\2" * 24_000, breaks=9_600),
    "garbage": Answer(b"<html>?</html>" * 100),
}


class Troubled(openai.OpenAi):
    """Has the same trouble with everybody."""

    trouble: Answer | None = None

    def reply(self, asked: Asked) -> Answer:
        return self.trouble or super().reply(asked)


@pytest.fixture(scope="module", params=["stt", "translation", "tts"])
def troubled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Stack, Troubled]]:
    """A running system whose one stage asks the vendor first; no breaker spares anybody the trouble."""
    stage = request.param
    vendor, folder = Troubled(), tmp_path_factory.mktemp(stage)
    variables = SIMULATED | {
        f"{stage.upper()}_PROVIDER": "openai,simulated",
        "OPENAI_API_KEY": openai.KEY,
        "OPENAI_BASE_URL": vendor.url,
        "OPENAI_FIRST_BYTE_MS": str(FIRST_BYTE_MS),
        "CIRCUIT_BREAKER_THRESHOLD": "100000",
        "WARMUP": "false",
        "PARTIALS": "false",
        "DRAFTS": "false",
        "TOPOLOGY": str(topology(folder)),
        **{f"SIMULATED_{name}_MS": "0" for name in ("STT", "TRANSLATION", "TTS")},
    }
    with ExitStack() as ends:
        ends.enter_context(vendor.running())
        yield stage, ends.enter_context(running(folder, **variables)), vendor


def topology(folder: Path) -> Path:
    """Threads for all that is said at once: who waits for a vendor takes no processor."""
    path = folder / "topology.toml"
    names = ("stt", "translation", "tts")
    worker = '[[worker]]\nname = "{0}-cpu0"\nstage = "{0}"\ndevice = "cpu0"\nconcurrency = 16\n'
    path.write_text("\n".join(worker.format(name) for name in names))
    return path


@pytest.mark.parametrize("trouble", TROUBLES)
def test_nothing_is_lost_and_the_next_provider_is_asked_in_time(
    troubled: tuple[str, Stack, Troubled], trouble: str
) -> None:
    stage, stack, vendor = troubled
    vendor.trouble = TROUBLES[trouble]
    audio = (CLIP[: 16_000 * 2] + bytes(16_000)) * SENTENCES

    async def all_speak() -> list[Result]:
        speakers = (
            translate(stack.url, [audio], "en", ["es"], realtime=True, vad=VAD) for _ in range(SPEAKERS)
        )
        return await asyncio.gather(*speakers)

    results = asyncio.run(all_speak())
    segments = [segment for result in results for segment in result.segments.values()]
    assert len(segments) >= SPEAKERS * SENTENCES
    assert not [failure for segment in segments for failure in segment.failures]
    assert not any(result.misplaced for result in results)
    assert all(segment.translations["es"].audio for segment in segments)
    took = [segment.timings_ms[stage] for segment in segments if stage in segment.timings_ms]
    median, p95 = np.percentile(took, [50, 95])
    sys.stderr.write(f"\n{stage}, {trouble}: {len(segments)} segments, {median:.0f} / {p95:.0f} ms\n")
    # The promise is 50 ms beyond the deadline; on a machine that does other work besides, eight times that.
    waited = FIRST_BYTE_MS if trouble.startswith("first byte") else 0
    assert waited <= median < waited + 400
