"""The command line as somebody types it, in this process or, for half a second of CPU, in one of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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
    said, complained = io.StringIO(), io.StringIO()
    environment, before = _environment(variables), dict(os.environ)
    code: object = 0
    with (
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
    return Ended(failed, said.getvalue(), complained.getvalue())


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
