"""Which recordings are done, so that an interrupted run of many goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bridge.cli.files import writing
from bridge.cli.order import Order

NAME = ".speechbridge.jsonl"
"""Lies in the folder of the results; of the lines of a recording that is done the last one counts."""


def begin(folder: Path, names: Iterable[str]) -> None:
    """Says that files of these names in `folder` are ours. Raises BridgeError."""
    _append(folder, {"begun": list(names)})


def note(file: Path, order: Order, written: Mapping[str, Path], summary: Mapping[str, Any]) -> None:
    """Says that `file` is done, with what --json tells of it. Raises BridgeError."""
    names = [path.name for path in written.values()]
    _append(order.folder(file), _key(file, order) | {"written": names, "summary": summary})


def ours(folder: Path) -> set[str]:
    """The names of the files in `folder` that were begun by a run of ours."""
    return {name for entry in _entries(folder) for name in entry.get("begun", ())}


def done(file: Path, order: Order) -> dict[str, Any] | None:
    """What --json told of `file` when it was done as it is ordered now; None where it is to be done.

    It is if it changed since, if something else was ordered, or if a file that was written is gone.
    """
    folder = order.folder(file)
    try:
        key = _key(file, order)
    except OSError:
        return None
    for entry in reversed(_entries(folder)):
        if entry.get("file") == key["file"]:
            same = all(entry.get(name) == value for name, value in key.items())
            there = all((folder / name).exists() for name in entry.get("written", ()))
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


def _entries(folder: Path) -> list[dict[str, Any]]:
    try:
        lines = (folder / NAME).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [_read(line) for line in lines]


def _append(folder: Path, entry: Mapping[str, Any]) -> None:
    line = f"{json.dumps(entry)}\n".encode()  # in ASCII: a file's name may be no text
    with writing(folder), (folder / NAME).open("ab+") as lines:
        if lines.tell():
            lines.seek(-1, os.SEEK_END)
            if lines.read(1) != b"\n":
                line = b"\n" + line  # the line before was cut off and must not spoil this one
        lines.write(line)


def _read(line: str) -> dict[str, Any]:
    """A line that was cut off says nothing."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
