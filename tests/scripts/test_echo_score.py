"""The script that scores the echo guard takes an echo for one and a person for a person."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from bridge.settings import Settings
from bridge.types import Target
from gateway.core.terms import SegmenterConfig, Terms
from gateway.runtime.vad import Model

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "echo_score.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("echo_score", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["echo_score"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("kind", "dropped"), [("echo", True), ("person", False)])
def test_one_trial_counts_what_was_dropped(script: ModuleType, kind: str, dropped: bool) -> None:
    score = script.Score()
    terms = Terms("en", (Target("es"),), 24_000, SegmenterConfig.of(Settings.read()))
    script.judge(script.Studio(1).trial(kind), Model(), terms, score, False)

    assert score.segments > 0
    assert score.dropped == (score.segments if dropped else 0)
    assert score.looks > 0
