"""Whether a live speaker waits behind others: behind files, and behind a client that sends far too fast."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import AsyncIterator

from bridge.cli.bench.crowd import Crowd
from bridge.cli.bench.load import TARGET, UTTERANCE_MS, utterance
from bridge.cli.bench.report import Report
from bridge.cli.bench.simulated import ENGINES_MS, SPOKEN_MS, simulated
from bridge.cli.probe import CLIP_LANGUAGE
from bridge.client import Result, translate
from bridge.errors import BridgeError
from bridge.options import config_dir

STT_MS = 300
STT_WORKERS = 2
"""Of the topology that ships."""
FILES = 2
FLOOD_SPEED = 100
AHEAD_SECONDS = 3.0
"""The others have begun to fill the queues when the live speaker begins."""


def measure(report: Report, iterations: int) -> None:
    """Adds the waits of a live speaker who is alone, beside two files, and beside a flood."""
    live = iterations + 1
    # The engines are busy with the others for as long as the live speaker speaks, and not much longer.
    others = math.ceil((live * UTTERANCE_MS / 1000 + AHEAD_SECONDS) * STT_WORKERS * 1000 / STT_MS)
    with simulated(ENGINES_MS | {"stt": STT_MS}, config_dir() / "topology.toml") as stack:
        _add(report, "alone", _speak(stack.url, live), float("inf"))
        with Files(stack.url, others // FILES) as files:
            crowd = _speak(stack.url, live)
        _add(report, "files", crowd, files.first_ended_at)
        report.add({"file_s": files.seconds})
        report.count({"files_finished": len(files.seconds), "file_problems": files.problems})
        since = time.monotonic()
        with Crowd(stack.url, 1, others, speed=FLOOD_SPEED) as flood:
            time.sleep(AHEAD_SECONDS)
            crowd = _speak(stack.url, live)
            flood.wait()
        _add(report, "flood", crowd, flood.heard_at)
        report.add({"flood_s": [round(flood.heard_at - since, 2)]})
        report.count(
            {"flood_closes": flood.closes_by_code(), "flood_missing": flood.tally(SPOKEN_MS).missing}
        )


def _speak(url: str, utterances: int) -> Crowd:
    with Crowd(url, 1, utterances) as crowd:
        crowd.wait()
    return crowd


def _add(report: Report, beside: str, crowd: Crowd, until: float) -> None:
    """The live speaker's segments that were spoken while the others were there."""
    heard = [each for each in crowd.between("speaking", "quiet") if each.done and each.said_at < until]
    first = [round(each.first_audio_ms, 2) for each in heard if each.first_audio_ms is not None]
    report.add({f"queue_{beside}_ms": [each.timings_ms["queue"] for each in heard]})
    report.add({f"first_audio_{beside}_ms": first})
    report.count({f"missing_{beside}": crowd.tally(SPOKEN_MS).missing, f"dropped_{beside}": crowd.dropped})


class Files:
    """Recordings of so many utterances, sent as fast as the gateway takes them while the block runs.

    At its end all have been heard, or have failed: `seconds` holds the time of each that was heard whole.
    """

    def __init__(self, url: str, utterances: int) -> None:
        self.seconds: list[float] = []
        self.problems: dict[str, int] = {}
        self.first_ended_at = float("inf")
        self._url = url
        self._utterances = utterances
        self._thread = threading.Thread(target=lambda: asyncio.run(self._send()), name="files")

    def __enter__(self) -> Files:
        self._thread.start()
        time.sleep(AHEAD_SECONDS)
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join()

    async def _send(self) -> None:
        await asyncio.gather(*(self._one() for _ in range(FILES)))

    async def _one(self) -> None:
        since = time.monotonic()
        try:
            result = await translate(self._url, self._blocks(), CLIP_LANGUAGE, [TARGET])
        except BridgeError as error:
            self._note(error.code)
        else:
            if whole(result) == self._utterances:
                self.seconds.append(round(time.monotonic() - since, 2))
            else:
                self._note("incomplete")
        self.first_ended_at = min(self.first_ended_at, time.monotonic())

    def _note(self, problem: str) -> None:
        self.problems[problem] = self.problems.get(problem, 0) + 1

    async def _blocks(self) -> AsyncIterator[bytes]:
        said = utterance()
        for _ in range(self._utterances):
            yield said


def whole(result: Result) -> int:
    """How many segments were heard in full."""
    spoken = (segment.translations.get(TARGET) for segment in result.segments.values())
    return sum(each is not None and each.audio_ms >= SPOKEN_MS for each in spoken)
