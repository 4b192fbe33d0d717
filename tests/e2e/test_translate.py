"""The main job, on real speech through the whole system: gateway, Redis, workers, real engines."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import jiwer
import pytest

from bridge.client import Result, translate
from bridge.media import decode
from bridge.types import Audio
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.provider]

SPEECH = Path(__file__).parent.parent / "data" / "speech"
TRANSCRIPTS: dict[str, str] = json.loads((SPEECH / "transcripts.json").read_text())


async def hear(stack: Stack, name: str, *targets: str, realtime: bool = False) -> Result:
    return await translate(stack.url, decode(SPEECH / name), "en", targets, realtime=realtime)


def text(result: Result) -> str:
    return " ".join(segment.text for _, segment in sorted(result.segments.items()))


def rms(audio: Audio) -> float:
    import numpy as np

    samples = np.frombuffer(audio.pcm, "<i2").astype(np.float64)
    return float(np.sqrt(np.mean(samples**2)))


def test_english_is_heard_in_spanish_and_catalan(embedded: Stack) -> None:
    result = asyncio.run(hear(embedded, "go_forward.wav", "es", "ca"))
    (segment,) = result.segments.values()

    assert segment.text == "go forward ten meters"
    assert "adelante diez metros" in segment.translations["es"].text
    assert "deu metres" in segment.translations["ca"].text
    for spoken in segment.translations.values():
        assert spoken.rate == 24_000
        assert 800 < spoken.audio_ms < 4_000
        assert rms(Audio(bytes(spoken.pcm), spoken.rate)) > 500
    assert result.misplaced == 0
    assert result.notices == []
    assert segment.failures == []


def test_timings_add_up_to_what_was_waited(embedded: Stack) -> None:
    result = asyncio.run(hear(embedded, "go_somewhere.wav", "es", realtime=True))
    (segment,) = result.segments.values()
    times = segment.timings_ms
    first_audio = result.first_audio_ms(segment, "es")

    # As its speaker pauses; less, and without a draft, where a busy machine sends much at once.
    assert 0 < times["endpoint"] <= 600
    begun = times.get("draft", times["endpoint"])
    assert 0 < begun <= times["endpoint"] <= times["first_audio"]
    parts = begun + times["queue"] + times["stt"] + times["translation"] + times["tts"]
    # 5 ms: the entries of the journal are stamped in whole ones, and hosts know its clock about so well.
    assert parts <= times["first_audio"] + 5 <= times["total"] + 6
    assert first_audio is not None
    # The client hears it after the gateway has sent it, and not much later.
    assert times["first_audio"] - 1 <= first_audio <= times["first_audio"] + 2_000


@pytest.mark.slow
@pytest.mark.parametrize("clip", ["go_forward.wav", "go_somewhere.wav"])
def test_what_was_drafted_while_somebody_spoke_is_what_a_recording_of_it_gives(
    embedded: Stack, clip: str
) -> None:
    live = asyncio.run(hear(embedded, clip, "es", realtime=True))
    recorded = asyncio.run(hear(embedded, clip, "es", realtime=False))

    def finals(result: Result) -> list[tuple[str, str, float, float]]:
        spoken = [(segment, segment.translations["es"]) for segment in result.segments.values()]
        return [(segment.text, one.text, segment.end_ms, round(one.audio_ms, -1)) for segment, one in spoken]

    assert finals(live) == finals(recorded)
    assert all("draft" in segment.timings_ms for segment in live.segments.values())
    assert not any("draft" in segment.timings_ms for segment in recorded.segments.values())


def test_four_sessions_at_once_get_their_own_words_back(embedded: Stack) -> None:
    names = ["go_forward.wav", "go_somewhere.wav", "go_somewhere.wav", "go_forward.wav"]

    async def together() -> list[Result]:
        return await asyncio.gather(*(hear(embedded, name, "es") for name in names))

    for name, result in zip(names, asyncio.run(together()), strict=True):
        assert text(result) == TRANSCRIPTS[name]
        assert sorted(result.segments) == list(result.segments)
        for segment in result.segments.values():
            assert segment.translations["es"].audio_ms > 0
            assert segment.failures == []


@pytest.mark.slow
def test_most_words_of_human_speech_arrive(embedded: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """Word error rate of the whole system, VAD cuts included."""
    heard = {name: text(asyncio.run(hear(embedded, name, "es"))) for name in TRANSCRIPTS}
    rate = jiwer.wer(list(TRANSCRIPTS.values()), [heard[name] for name in TRANSCRIPTS])
    with capsys.disabled():
        print()
        for name, words in heard.items():
            print(f"{name:>20} {jiwer.wer(TRANSCRIPTS[name], words):4.0%}  {words}")
        count = sum(len(spoken.split()) for spoken in TRANSCRIPTS.values())
        print(f"word error rate of the whole system: {rate:.1%} over {count} words")

    assert rate <= 0.30
