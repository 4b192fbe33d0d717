"""Ten minutes of speech: neither memory nor latency grow with them."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import psutil
import pytest

from bridge.protocol import server_messages
from tests.browser.chromium import PERIOD_S, Visit, Visitor
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MINUTES = 10
SETTLED_MINUTES = 2
"""By then every buffer is filled once."""
ROW_MB = 0.2
"""What a line on the page takes of the process, drawn; there are 200 at most (test_captions.py)."""


class Memory:
    """What the page holds: its JavaScript heap after a collection, and the whole process."""

    def __init__(self, visitor: Visitor) -> None:
        self._page = visitor.page.context.new_cdp_session(visitor.page)
        self._browser = visitor.browser.new_browser_cdp_session()

    def heap(self) -> float:
        """Megabytes."""
        self._page.send("HeapProfiler.collectGarbage")
        used: float = self._page.send("Runtime.getHeapUsage")["usedSize"]
        return used / 1e6

    def process(self) -> float:
        """Megabytes of the largest renderer, which is the page's."""
        running = self._browser.send("SystemInfo.getProcessInfo")["processInfo"]
        pids = [process["id"] for process in running if process["type"] == "renderer"]
        return max(psutil.Process(pid).memory_info().rss for pid in pids) / 1e6


def test_ten_minutes_of_speech_let_neither_memory_nor_latency_grow(
    embedded: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(embedded.url, microphone=go_forward)
    memory = Memory(visitor)
    visitor.open()
    visitor.start()
    began = time.monotonic()
    samples: list[tuple[float, float]] = []
    while time.monotonic() - began < MINUTES * 60:
        visitor.page.wait_for_timeout(30_000)
        samples.append((memory.heap(), memory.process()))
        # What this test itself gathers must not count.
        visitor.audio.clear()

    took = [float(text.split()[0]) for text in visitor.page.locator("#log .took").all_inner_texts() if text]
    third = len(took) // 3
    early, late = median(took[:third]), median(took[-third:])
    first, last = samples[SETTLED_MINUTES * 2 - 1], samples[-1]
    print(
        f"{len(took)} sentences; ear latency {early} s, then {late} s; "
        f"heap {first[0]:.1f} MB, then {last[0]:.1f} MB; process {first[1]:.0f} MB, then {last[1]:.0f} MB"
    )
    print("ear latency of each sentence, s:", *took)
    assert len(took) > MINUTES * 60 / PERIOD_S * 0.9
    assert late < early * 1.3 + 0.2
    assert last[0] < first[0] + 2
    rows = len(took) * (1 - SETTLED_MINUTES / MINUTES)
    assert last[1] < first[1] + 8 + rows * ROW_MB
    assert not visitor.of(server_messages.SegmentFailed)
