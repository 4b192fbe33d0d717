"""Which recordings are done, so that an interrupted run of many goes on where it stopped."""

from __future__ import annotations

import json
import os
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
    line = f"{json.dumps(entry, ensure_ascii=False)}\n".encode()
    with writing(ledger.parent), ledger.open("ab+") as lines:
        if lines.tell():
            lines.seek(-1, os.SEEK_END)
            if lines.read(1) != b"\n":
                line = b"\n" + line  # the line before was cut off and must not spoil this one
        lines.write(line)


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
