"""A worker of many threads that asks for leave again and again; as a process too."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from bridge.settings import Settings
from bridge.store.breakers import Breakers

CALLS, THREADS = 50, 4


def hammer(breakers: Breakers) -> list[int]:
    """How often its threads get leave to probe, none, and leave to ask."""

    def work(_: int) -> list[str]:
        return [breakers.admit("azure") for _ in range(CALLS)]

    with ThreadPoolExecutor(THREADS) as pool:
        verdicts = [verdict for part in pool.map(work, range(THREADS)) for verdict in part]
    return [verdicts.count(verdict) for verdict in ("probe", "open", "closed")]


if __name__ == "__main__":
    made = Breakers(sys.argv[1], "stt", Settings.read())
    print("ready", flush=True)
    sys.stdin.readline()
    print("seen", *hammer(made))
