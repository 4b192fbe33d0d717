"""The labelled sentences are cut where they end, and the script that scores splitters counts what it says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from bridge.text import sentences

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sentence_scores", ROOT / "scripts" / "sentence_scores.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def test_of_the_labelled_sentences_few_are_cut_and_few_ends_are_missed(script: ModuleType) -> None:
    for file in script.FILES:
        score = script.score(sentences, list(script.passages(file)))[""]
        assert score.sentences >= 200
        assert score.cut <= 1
        assert score.missed <= 2


def test_a_cut_in_a_sentence_and_an_end_that_was_missed_are_told_apart(script: ModuleType) -> None:
    passage = script.Passage("en", ("One. and.", "Two."))
    cut = script.score(lambda text, _: ["One.", "and.", "Two."], [passage])["en"]
    missed = script.score(lambda text, _: [text], [passage])["en"]

    assert (cut.cut, cut.missed, cut.right, cut.passages) == (1, 0, 0, 1)
    assert (missed.cut, missed.missed) == (0, 1)
