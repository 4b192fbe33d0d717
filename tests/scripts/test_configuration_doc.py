"""The page of all variables is the one that the settings would write today."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from bridge.options import Options, variables
from bridge.providers import option_classes
from bridge.settings import Settings
from tests.bridge.test_settings import SEED_NAMES

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "scripts" / "configuration_doc.py"
    spec = importlib.util.spec_from_file_location("configuration_doc", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_is_current(script: ModuleType) -> None:
    written = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written == script.render(), "run: python scripts/configuration_doc.py"


def test_every_variable_has_one_row_with_a_sentence(script: ModuleType) -> None:
    rows = [line for line in script.render().splitlines() if line.startswith("| `")]
    names = [name for row in rows for name in row.split(" | ")[0].split("`")[1::2]]
    classes: list[type[Options]] = [Settings, *option_classes()]
    assert sorted(names) == sorted(name for options in classes for name in variables(options))
    assert all(row.split(" | ")[3].strip("| ").endswith((".", "`.")) for row in rows)


def test_bounds_and_defaults_are_those_of_the_field(script: ModuleType) -> None:
    page = script.render()
    assert "| `VAD_THRESHOLD` | none | number, > 0 and < 1 |" in page
    assert "| `LOG_FORMAT` | `console` | `console`, `json` |" in page
    assert "| `WS_COMPRESSION` | `true` | `true` or `false` |" in page
    assert "| `FLOWER_PASSWORD` | none | secret |" in page


@pytest.mark.parametrize("name", SEED_NAMES)
def test_each_name_of_the_tuning_guide_stands_on_the_page_with_its_effect_or_the_reason(
    name: str, script: ModuleType
) -> None:
    lines = [line for line in script.render().splitlines() if f"`{name}`" in line.split(" | ")[0]]
    acts = [line for line in lines if line.startswith("| `")]
    refused = [line for line in lines if line.startswith(f"- `{name}`: ")]
    assert bool(acts) != bool(refused)
    assert all(line.endswith((".", "|")) for line in lines)
