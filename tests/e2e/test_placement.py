"""Where work goes in a whole system: two devices for each stage, one of them four times slower."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from bridge.cli.bench.crowd import Crowd
from bridge.cli.bench.placement import FAST, SLOW, Went, topology
from bridge.types import STAGES
from tests.stack import SIMULATED, Stack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

SESSIONS = 4
WORKERS = tuple(f"{stage}-{device}" for stage in STAGES for device in (FAST, SLOW))


@contextmanager
def system(folder: Path, strategy: str) -> Iterator[tuple[Stack, Crowd, Went]]:
    """Sessions speak for as long as the block runs."""
    path = folder / "topology.toml"
    path.write_text(topology(4))
    variables = {"TOPOLOGY": str(path), "LOAD_BALANCE_STRATEGY": strategy, "SHED": "false", "DRAFTS": "false"}
    stack = Stack(folder, **SIMULATED, **variables)
    try:
        stack.up(WORKERS)
        with Crowd(stack.url, SESSIONS) as crowd, Went(stack.redis.url, crowd) as went:
            assert crowd.speaking.wait(30)
            yield stack, crowd, went
            crowd.finish()
            crowd.wait()
            counts = asdict(crowd.tally(None))
            assert counts.pop("segments") > 0
            assert counts == dict.fromkeys(counts, 0)
    finally:
        stack.down()


def grown(crowd: Crowd, went: Went, segments: int) -> Counter[str]:
    """Where the work of the next so many segments goes."""
    before, heard = Counter(went.counts), len(crowd.accounts)
    wait_until(lambda: len(crowd.accounts) >= heard + segments, 60, "speech is heard on")
    return Counter(went.counts) - before


def test_a_slow_device_gets_less_and_all_of_it_once_the_other_is_dead(tmp_path: Path) -> None:
    with system(tmp_path, "least_loaded") as (stack, crowd, went):
        got = grown(crowd, went, 4 * SESSIONS)
        for stage in STAGES:
            assert 3 * got[f"{stage}.{SLOW}"] < got[f"{stage}.{FAST}"]

        stack.started[WORKERS.index(f"stt-{FAST}")].kill()
        grown(crowd, went, SESSIONS)
        got = grown(crowd, went, 2 * SESSIONS)
        assert got[f"stt.{FAST}"] == 0 < got[f"stt.{SLOW}"]


def test_in_turn_each_device_gets_about_as_much_and_one_that_drains_nothing(tmp_path: Path) -> None:
    with system(tmp_path, "round_robin") as (stack, crowd, went):
        got = grown(crowd, went, 4 * SESSIONS)
        assert got[f"stt.{FAST}"] < 2 * got[f"stt.{SLOW}"]

        old = stack.started[WORKERS.index(f"stt-{SLOW}")]
        old.terminate()
        assert old.wait(timeout=20) == 0
        grown(crowd, went, SESSIONS)
        got = grown(crowd, went, 2 * SESSIONS)
        assert got[f"stt.{SLOW}"] == 0 < got[f"stt.{FAST}"]
