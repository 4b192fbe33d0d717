"""promtool, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def promtool(*arguments: str, folder: Path) -> str:
    """What it says; fails the test where it complains. Skips it on a machine without one, but for CI."""
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("promtool is not installed: apt-get install prometheus")
        pytest.skip("promtool is not installed: apt-get install prometheus")
    said = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout + said.stderr
