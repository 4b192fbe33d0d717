"""The command that adds an optional part of speechbridge to the Python that runs."""

from __future__ import annotations

import sys
from pathlib import Path

_SOURCE = Path(__file__).parent.parent


def install(extra: str) -> str:
    """Installs `extra` from the checkout that runs, or by name where there is none."""
    python = Path(sys.executable)
    if (_SOURCE / "pyproject.toml").is_file():
        return f"{python} -m pip install -e '{_SOURCE}[{extra}]'"
    return f"{python} -m pip install 'speechbridge[{extra}]'"
