"""Every series of the table moves: somebody outside of the table uses it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

ROOT = Path(__file__).parent.parent.parent
TABLES = ("gateway", "worker", "process")


def used(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The series that a module names: by its table, and what it is called there."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "bridge.metrics":
            names |= {each.asname or each.name: each.name for each in node.names if each.name in TABLES}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bridge.metrics."):
            yield from (((node.module or "").rpartition(".")[2], each.name) for each in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            yield names[node.value.id], node.attr


def test_every_series_is_used_outside_of_its_table() -> None:
    modules = [path for package in ("bridge", "gateway") for path in (ROOT / package).rglob("*.py")]
    tables = [ROOT / "bridge" / "metrics" / f"{name}.py" for name in TABLES]
    naming = [
        text
        for path in modules
        if path not in tables and "bridge.metrics" in (text := path.read_text("utf-8"))
    ]
    found = {each for text in naming for each in used(ast.parse(text))}
    for table in TABLES:
        known = vars(import_module(f"bridge.metrics.{table}"))
        series = {name for name, value in known.items() if isinstance(value, Counter | Gauge | Histogram)}
        assert len(series) >= 4
        assert {name for name in series if (table, name) not in found} == set()
