"""Which recordings are done, so that an interrupted run of many goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.cli.order import Order
from bridge.cli.products import writing

NAME = ".speechbridge.jsonl"
"""Lies in the folder of the results; a line for each recording that is done, the last one counts."""


def note(file: Path, order: Order, written: Mapping[str, Path], summary: Mapping[str, Any]) -> None:
    """Says that `file` is done, with what --json tells of it. Raises BridgeError."""
    ledger = order.folder(file) / NAME
    entry = _key(file, order) | {
        "written": [path.name for path in written.values()],
        "summary": summary,
    }
    with writing(ledger.parent), ledger.open("a", encoding="utf-8") as lines:
        # A line that was cut off by an interruption must not spoil this one.
        lines.write(f"{json.dumps(entry, ensure_ascii=False)}\n")


def done(file: Path, order: Order) -> dict[str, Any] | None:
    """What --json told of `file` when it was done as it is ordered now; None where it is to be done.

    It is if it changed since, if something else was ordered, or if a file that was written is gone.
    """
    ledger = order.folder(file) / NAME
    try:
        lines = ledger.read_text("utf-8", errors="replace").splitlines()
        key = _key(file, order)
    except OSError:
        return None
    for line in reversed(lines):
        entry = _read(line)
        if entry.get("file") == key["file"]:
            same = all(entry.get(name) == value for name, value in key.items())
            there = all((ledger.parent / name).exists() for name in entry.get("written", ()))
            summary = entry.get("summary")
            return summary if same and there and isinstance(summary, dict) else None
    return None


def _key(file: Path, order: Order) -> dict[str, Any]:
    state = file.stat()
    return {
        "file": str(file.resolve()),
        "size": state.st_size,
        "modified_ns": state.st_mtime_ns,
        "order": order.wanted(),
    }


def _read(line: str) -> dict[str, Any]:
    """A line that was cut off says nothing."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
