"""The command that a missing package is answered with."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from bridge import extras


def test_in_a_checkout_the_checkout_itself_is_installed() -> None:
    python, *rest, what = shlex.split(extras.install("espeak"))

    assert python == sys.executable
    assert rest == ["-m", "pip", "install", "-e"]
    assert what.endswith("[espeak]")
    assert (Path(what.removesuffix("[espeak]")) / "pyproject.toml").is_file()


def test_elsewhere_it_is_installed_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extras, "_SOURCE", tmp_path)

    assert extras.install("espeak").endswith("-m pip install 'speechbridge[espeak]'")
