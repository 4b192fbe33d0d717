"""Who is compared hears and is heard by one definition, and what each printed becomes figures."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from bridge.cli.bench.report import Report
from scripts.peers.plain import Loop
from scripts.peers.talk import FRAME_BYTES, Plan, Speaker, answer

ROOT = Path(__file__).parent.parent.parent
VOICE = b"\x00\x10" * (FRAME_BYTES // 2)
PLAN = Plan(
    sessions=1,
    utterances=2,
    engines=(0.02, 0.02, 0.02),
    endpoint=0.1,
    speech=VOICE * 10 + bytes(FRAME_BYTES * 20),
    voiced=0.2,
    speculate=False,
    seed=0,
)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_peers", ROOT / "scripts" / "benchmark-peers.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def test_an_answer_counts_from_the_last_voiced_sample_and_from_its_first_sound() -> None:
    speaker = Speaker(PLAN, begins=100.0)

    speaker.hear(bytes(200), 100.25)
    speaker.hear(answer()[:200], 100.3)
    speaker.hear(answer()[:200], 100.35)
    speaker.hear(answer()[:200], 101.0)

    assert {turn: round(ms) for turn, ms in speaker.heard.items()} == {0: 100, 1: 200}
    assert speaker.again == 0


def test_a_second_answer_to_one_utterance_and_one_to_none_are_counted_apart() -> None:
    speaker = Speaker(PLAN, begins=100.0)

    for at in (100.05, 100.4, 100.75):
        speaker.hear(answer()[:200], at)

    assert list(speaker.heard) == [0]
    assert speaker.again == 2


def test_sessions_begin_at_the_same_moments_for_everybody() -> None:
    eight = replace(PLAN, sessions=8)

    assert eight.offsets() == eight.offsets()
    assert eight.offsets() != replace(eight, seed=1).offsets()


def test_the_plain_loop_answers_after_the_silence_and_all_engines() -> None:
    async def talked() -> Speaker:
        speaker = Speaker(PLAN, begins=asyncio.get_running_loop().time())
        await Loop(PLAN, speaker).run()
        return speaker

    heard = asyncio.run(talked()).heard

    assert set(heard) == {0, 1}
    assert min(heard.values()) >= 100 + 60


def test_speech_ends_with_its_last_voiced_sample(script: ModuleType) -> None:
    pcm, voiced_ms = script.speech(1000)

    end = round(voiced_ms * 32)
    assert any(pcm[end - 320 : end])
    assert not any(pcm[end:])
    assert len(pcm) % FRAME_BYTES == 0


def test_what_a_row_printed_becomes_figures_by_number_of_sessions(script: ModuleType) -> None:
    report = Report("peers", {})
    lines = [
        {"kind": "begun"},
        {"kind": "heard", "session": 0, "utterance": 1, "ms": 503.7},
        {"kind": "cost", "cpu_seconds": 0.5, "others_cores": 0.0, "missing": 1, "again": 0},
    ]

    script.take(report, "plain-loop", 2, lines, 10.0)
    script.take(report, "plain-loop", 2, lines, 10.0)

    assert report.samples["plain-loop/first_audio_ms_2"] == [503.7, 503.7]
    assert report.figures["plain-loop/session_cpu_2"]["p50"] == 50
    assert script.markdown(report, [2])[-1] == "| plain-loop | 504 / 504 | 50 | 2 |"
