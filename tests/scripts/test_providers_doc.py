"""The page of all providers is the one that the table would write today."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from bridge.providers import TABLE

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "scripts" / "providers_doc.py"
    spec = importlib.util.spec_from_file_location("providers_doc", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_is_current(script: ModuleType) -> None:
    written = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    assert written == script.render(), "run: python scripts/providers_doc.py"


def test_every_provider_has_its_line_in_its_stage(script: ModuleType) -> None:
    parts = dict(zip(script.TITLES, script.render().split("\n## ")[2:], strict=False))
    for row in TABLE:
        assert f"| `{row.name}` | {row.about} |" in parts[row.stage]


def test_what_is_said_to_run_for_real_is_in_the_table(script: ModuleType) -> None:
    local = {row.name for row in TABLE if row.kind == "local"}
    assert local <= script.SEEN.keys()
    assert not {row.name for row in TABLE if row.kind == "cloud"} & script.SEEN.keys()
