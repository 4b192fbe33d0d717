"""Two configurations by turns: `speechbridge bench ab`.

python tests/performance/ab_test.py --config-a configs/baseline.yml --config-b configs/optimized.yml
"""

from __future__ import annotations

import sys

from bridge.cli import main

if __name__ == "__main__":
    sys.argv[1:] = ["bench", "ab", *sys.argv[1:]]
    main()
