"""Each import contract catches a violation, so that a green `make check` means something."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
VIOLATIONS = [
    ("bridge/streams.py", "import gateway.relay", "The command line stands above"),
    ("bridge/tasks/run.py", "import bridge.pipeline", "The command line stands above"),
    ("gateway/relay.py", "import bridge.cli.up", "The command line stands above"),
    ("bridge/types.py", "import pydantic", "The nouns import the standard library only"),
    ("bridge/providers/tts/espeak.py", "import celery", "Providers know neither queue"),
    ("bridge/providers/simulated.py", "import bridge.streams", "Providers know neither queue"),
    ("gateway/segmenter.py", "import asyncio", "What decides in the gateway"),
    ("gateway/sequencer.py", "from gateway import relay", "What decides in the gateway"),
    ("gateway/vad.py", "import pocketsphinx", "The gateway imports no engine"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources that may be spoiled."""
    for package in ("bridge", "gateway"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "data")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_every_contract_is_kept(tree: Path) -> None:
    ended = lint(tree)
    assert ended.returncode == 0, ended.stdout
    assert "5 kept, 0 broken" in ended.stdout


@pytest.mark.parametrize(("file", "line", "contract"), VIOLATIONS)
def test_planted_violation_is_caught(tree: Path, file: str, line: str, contract: str) -> None:
    with (tree / file).open("a") as source:
        source.write(f"\n{line}\n")
    ended = lint(tree)
    assert ended.returncode == 1
    broken = [said for said in ended.stdout.splitlines() if said.endswith("BROKEN")]
    assert any(said.startswith(contract) for said in broken), ended.stdout
