"""How evenly frames of speech come: `speechbridge bench jitter`; `--worker` is the gateway."""

from __future__ import annotations

import sys

from bridge.cli import main

if __name__ == "__main__":
    sys.argv[1:] = ["bench", "jitter", *("--url" if word == "--worker" else word for word in sys.argv[1:])]
    main()
