"""A real Prometheus looks at a real system: every series moves, every panel has data, an alert fires."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from websockets.asyncio.client import connect

from bridge.metrics import TABLE, Series
from bridge.types import SAMPLE_BYTES, SPEECH_RATE
from tests.e2e.talk import START, Peer, speech
from tests.monitoring.test_expressions import panels
from tests.monitoring.tools import program
from tests.stack import REPOSITORY, Stack, free_port, status, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.provider, pytest.mark.slow]

FRAME = SPEECH_RATE // 50 * SAMPLE_BYTES
PAUSE = bytes(SPEECH_RATE * SAMPLE_BYTES)
CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml, alerts.yml]
scrape_configs:
  - job_name: speechbridge
    honor_labels: true
    http_sd_configs: [{{url: "http://127.0.0.1:{port}/metrics/targets", refresh_interval: 1s}}]
"""


class Prometheus:
    """With the rules that ship, whose alerts do not wait."""

    def __init__(self, folder: Path, gateway: int) -> None:
        self.port = free_port()
        for file in ("rules.yml", "alerts.yml"):
            text = (REPOSITORY / "config/prometheus" / file).read_text()
            (folder / file).write_text(re.sub(r"\n +for: .*", "", text))
        (folder / "prometheus.yml").write_text(CONFIG.format(port=gateway))
        self.process = subprocess.Popen(
            [
                program("prometheus"),
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=tsdb",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            cwd=folder,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: status(self.port, "/-/ready") == 200, 30, "Prometheus is ready")

    def _get(self, path: str) -> Any:
        with urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)["data"]

    def values(self, expression: str) -> list[float]:
        """What it is now, a value for each set of labels."""
        return [float(each["value"][1]) for each in self._get(f"query?query={quote(expression)}")["result"]]

    def firing(self) -> set[str]:
        return {
            each["labels"]["alertname"] for each in self._get("alerts")["alerts"] if each["state"] == "firing"
        }

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path, PACING="realtime")
    try:
        yield made.up()
    except BaseException:
        print(made.output())
        raise
    finally:
        made.down()


@pytest.fixture
def prometheus(stack: Stack, tmp_path: Path) -> Iterator[Prometheus]:
    (tmp_path / "prometheus").mkdir()
    made = Prometheus(tmp_path / "prometheus", stack.port)
    yield made
    made.stop()


def stream(stack: Stack) -> Any:
    url = f"ws://127.0.0.1:{stack.port}/v1/stream"
    return connect(url, subprotocols=["bridge.v1"], max_size=2**24)  # type: ignore[list-item]


async def say(peer: Peer, pcm: bytes) -> None:
    """At the pace of a speaker."""
    began = asyncio.get_running_loop().time()
    for number, at in enumerate(range(0, len(pcm), FRAME)):
        await asyncio.sleep(began + number * 0.02 - asyncio.get_running_loop().time())
        await peer.say(pcm[at : at + FRAME])


async def listen(peer: Peer) -> None:
    """Pauses the first sentence and goes on, stops the second one."""
    begun = await peer.hears("audio.start")
    await peer.say({"type": "playback.pause"})
    await peer.hears("playback.paused")
    await peer.say({"type": "playback.resume"})
    await peer.hears("playback.resumed")
    await peer.say({"type": "playback.mark", "segment": begun["segment"], "played_ms": 20})
    await peer.hears("audio.start")
    await peer.say({"type": "playback.stop"})
    await peer.hears("playback.stopped")


async def talk(stack: Stack) -> None:
    """Two sentences, the first with a pause that is no end; then nonsense, and the end."""
    async with stream(stack) as socket:
        peer = Peer(socket)
        await peer.say(START | {"features": ["partials"]})
        await peer.hears("session.started")
        clip = speech()
        halting = clip[: SPEECH_RATE * SAMPLE_BYTES] + bytes(SPEECH_RATE // 5 * SAMPLE_BYTES)
        sentences = halting + clip[SPEECH_RATE * SAMPLE_BYTES :] + PAUSE + PAUSE + clip + PAUSE
        await asyncio.gather(say(peer, sentences), listen(peer))
        await peer.say({"type": "no.such.thing"})
        await peer.hears("error")
        await peer.say({"type": "session.end"})
        await peer.hears("session.ended")


async def come_back(stack: Stack) -> None:
    """A client that loses its connection and goes on."""
    async with stream(stack) as socket:
        peer = Peer(socket)
        await peer.say(START)
        started = await peer.hears("session.started")
        await peer.say(PAUSE)
        socket.transport.abort()
    async with stream(stack) as socket:
        peer = Peer(socket)
        resume = {"session_id": started["session_id"], "token": started["resume_token"], "last_seq": 1}
        await peer.say(START | {"resume": resume})
        await peer.hears("session.started")
        await peer.say({"type": "session.end"})
        await peer.hears("session.ended")


async def wait_for_engines(stack: Stack, *, paced: bool) -> None:
    """A sentence that is heard when the engines live again, or said to be too late."""
    async with stream(stack) as socket:
        peer = Peer(socket)
        await peer.say(START)
        await peer.hears("session.started")
        await say(peer, speech() + PAUSE) if paced else await peer.say((speech() + PAUSE) * 2)
        await peer.say({"type": "session.end"})
        while json.loads(data if isinstance(data := await socket.recv(), str) else '{"type": ""}')[
            "type"
        ] != ("session.ended"):
            pass


async def crowd(stack: Stack) -> None:
    await asyncio.gather(*(wait_for_engines(stack, paced=number < 2) for number in range(5)))


def stt(stack: Stack) -> subprocess.Popen[bytes]:
    return stack.started[-1] if "stt-cpu0" in stack.started[-1].args else stack.started[0]  # type: ignore[operator]


def moved(series: Series) -> str:
    """Above zero once it has moved."""
    name = series.name + ("_count" if series.kind == "histogram" else "")
    return f"sum(max_over_time({name}[10m]))"


def test_every_series_moves_every_panel_has_data_and_a_stopped_worker_is_told(
    stack: Stack, prometheus: Prometheus
) -> None:
    async def first() -> None:
        await asyncio.gather(talk(stack), come_back(stack))

    asyncio.run(first())
    wait_until(lambda: prometheus.values("sum(bridge_queue_workers)") == [3.0], 10, "three queues are served")
    assert "NoWorkerForQueue" not in prometheus.firing()

    async def without_stt() -> None:
        crowded = asyncio.create_task(crowd(stack))
        stt(stack).send_signal(signal.SIGSTOP)
        await asyncio.sleep(5)
        stt(stack).kill()
        await asyncio.to_thread(
            wait_until, lambda: "NoWorkerForQueue" in prometheus.firing(), 15, "the alert fires"
        )
        stack.start("worker", "stt-cpu0")
        await crowded

    asyncio.run(without_stt())
    wait_until(lambda: "NoWorkerForQueue" not in prometheus.firing(), 20, "the alert is over")

    async def late() -> None:
        stt(stack).send_signal(signal.SIGSTOP)
        crowded = asyncio.create_task(crowd(stack))
        await asyncio.sleep(14)
        stt(stack).send_signal(signal.SIGCONT)
        await crowded

    asyncio.run(late())
    time.sleep(2)  # two scrapes
    still = [
        series.name for series in TABLE if not series.needs and not sum(prometheus.values(moved(series)))
    ]
    assert still == []
    lacking = ("a GPU", "a list of providers", "a vendor whose price is known")
    absent = {series.name for series in TABLE if series.needs in lacking} | {"bridge:provider_cost"}
    empty = [
        where
        for where, expression in panels()
        if not any(name in expression for name in absent)
        and not prometheus.values(re.sub(r"\$__(rate_interval|range)", "5m", expression))
    ]
    assert empty == []
