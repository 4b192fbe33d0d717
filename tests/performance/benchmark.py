"""The baseline of this machine: `speechbridge bench baseline`, written to benchmarks/baseline.json.

python tests/performance/benchmark.py --duration 60
"""

from __future__ import annotations

import sys

from bridge.cli import main

if __name__ == "__main__":
    sys.argv[1:] = ["bench", "baseline", *sys.argv[1:]]
    main()
