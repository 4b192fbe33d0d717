"""Milliseconds and per cent of each stage of a segment: `speechbridge profile pipeline`."""

from __future__ import annotations

import sys

from bridge.cli import main

if __name__ == "__main__":
    sys.argv[1:] = ["profile", "pipeline", *sys.argv[1:]]
    main()
