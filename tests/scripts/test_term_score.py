"""With the glossary the real Apertium says all planted terms, and the script counts what it says."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from bridge.glossary import Glossary
from bridge.providers.translation.apertium import Apertium, ApertiumOptions
from bridge.providers.translation.glossed import glossed

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("term_score", ROOT / "scripts" / "term_score.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def apertium() -> Iterator[Apertium]:
    with closing(Apertium(ApertiumOptions.read())) as engine:
        yield engine


@pytest.mark.provider
def test_planted_terms_come_out_with_the_glossary_and_most_do_not_without_it(
    script: ModuleType, apertium: Apertium, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = script.sentences(script.DATA / "sentences.txt")
    glossary = Glossary(script.DATA / "glossary.toml")
    plain = script.score(apertium, listed, "en", "es")
    made = script.score(glossed(apertium, glossary), listed, "en", "es")
    with capsys.disabled():
        print(f"\nterm accuracy, {len(listed)} sentences: {plain} without, {made} with the glossary")
    assert len(listed) == 25 and plain.terms == made.terms == 33
    assert made.right == 33
    assert plain.right < 15


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("Rose Baker", "Vi a Rose Baker.", True),
        ("Rose Baker", "Vi a rose baker.", False),
        ("Rose Baker", "Vi a Rose Bakers.", False),
        ("torre de mando", "Torre de mando y cubierta.", True),
    ],
)
def test_a_term_is_heard_in_whole_words_as_it_is_written(
    term: str, text: str, found: bool, script: ModuleType
) -> None:
    assert script.heard(term, text, "es") == found


def test_the_script_prints_both_scores_with_machine_and_date(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "terms.toml").write_text('[en.es]\ncumulus = "cúmulo"\n')
    (tmp_path / "said.txt").write_text("# one\nA cumulus. | cúmulo\n")
    files = ["--glossary", str(tmp_path / "terms.toml"), "--sentences", str(tmp_path / "said.txt")]
    script.main([*files, "--provider", "simulated"])
    head, without, missed, with_terms = capsys.readouterr().out.splitlines()
    assert head.startswith("simulated, en to es, 1 sentences, 20") and "cores" in head
    assert "0 of 1 terms (0 %)" in without and missed.strip().startswith("cúmulo: ")
    assert "1 of 1 terms (100 %)" in with_terms
