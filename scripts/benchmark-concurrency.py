"""How many sessions at once are served as well as the first: `speechbridge bench concurrency`."""

from __future__ import annotations

import sys

from bridge.cli import main

if __name__ == "__main__":
    words = ["--url" if word == "--worker" else word for word in sys.argv[1:]]
    sys.argv[1:] = ["bench", "concurrency", *words]
    main()
