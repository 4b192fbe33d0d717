"""The command line as somebody types it, in this process or, for half a second of CPU, in one of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TextIO

import pytest

from bridge.cli import main
from tests.stack import clean_environment


@dataclass(frozen=True)
class Ended:
    """What a command leaves behind."""

    returncode: int
    stdout: str
    stderr: str


def speechbridge(*arguments: str, folder: Path | str | None = None, **variables: str) -> Ended:
    """Runs one command to its end, in `folder` and with these variables and none else of ours.

    For commands that leave nothing behind in the process, such as a configured log or Celery.
    """
    environment, before = _environment(variables), dict(os.environ)
    code: object = 0
    with (
        # Real files: the command line writes to their descriptors.
        TemporaryFile("w+", encoding="utf-8") as said,
        TemporaryFile("w+", encoding="utf-8") as complained,
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(folder or Path.cwd()),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(complained),
    ):
        patch.setattr(sys, "argv", ["speechbridge", *arguments])
        os.environ.clear()
        os.environ.update(environment)
        try:
            main()
        except SystemExit as end:
            code = end.code
        finally:
            os.environ.clear()
            os.environ.update(before)
        failed = code if isinstance(code, int) else int(code is not None)
        return Ended(failed, *(_read(file) for file in (said, complained)))


def _read(file: TextIO) -> str:
    file.flush()
    file.seek(0)
    return file.read()


def started(*arguments: str, folder: Path | str | None = None, **variables: str) -> Ended:
    """Runs `python *arguments` to its end, as `speechbridge` does a command."""
    ended = subprocess.run(
        [sys.executable, "-P", *arguments],
        env=_environment(variables),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def _environment(variables: dict[str, str]) -> dict[str, str]:
    return clean_environment() | {"COLUMNS": "200"} | variables
