"""First audio of this system beside that of its peers: the same speech, engine times and endpoint, by turns.

python scripts/benchmark-peers.py --sessions 1,8,32 --json benchmarks/peers.json

`make bench-peers` makes the peers' environments first. Engines are asleep for the times set. Peers run in
one process, which feeds them too; this system pays for WebSocket, Redis and its worker processes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bridge.cli.bench.arms import Arm, arms
from bridge.cli.bench.outcome import engines, numbers
from bridge.cli.bench.processes import busy_seconds, cpu_seconds
from bridge.cli.bench.report import Report
from bridge.cli.bench.simulated import environment
from bridge.cli.probe import CLIP
from bridge.errors import BridgeError
from bridge.media import decode
from bridge.types import SAMPLE_BYTES, SPEECH_RATE

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "scripts" / "peers"
ANSWER_MS = 500
SPARE_MS = 600
"""Silence behind an answer before the next utterance."""
BLOCK = SPEECH_RATE // 100
VOICED_DB = -15.0
"""Against the loudest 10 ms of the clip; its own noise is 20 dB below that."""
FRAME = SPEECH_RATE // 50 * SAMPLE_BYTES
LONGEST_S = 180
OURS = {"DRAFTS": "true", "ENDPOINT": "fixed", "SIMULATED_TTS_AUDIO_MS": str(ANSWER_MS)}


@dataclass(frozen=True, slots=True)
class Row:
    """What is measured: a script of scripts/peers, in which environment (empty: this one), and how."""

    name: str
    script: str
    environment: str = ""
    speculates: bool = False
    variables: Mapping[str, str] | None = None
    options: tuple[str, ...] = ()


ROWS = (
    Row("ours", "ours", variables=OURS),
    Row("ours-no-drafts", "ours", variables=OURS | {"DRAFTS": "false"}),
    Row("livekit-preemptive", "livekit_session", "livekit", True),
    Row("livekit-early", "livekit_session", "livekit", True, options=("--detector-ms", "100")),
    Row("livekit", "livekit_session", "livekit"),
    Row("pipecat-eager", "pipecat_pipeline", "pipecat", True),
    Row("pipecat", "pipecat_pipeline", "pipecat"),
    Row("plain-loop", "plain"),
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command asks for."""

    sessions: Sequence[int]
    utterances: int
    engines_ms: Mapping[str, int]
    endpoint_ms: int
    seed: int
    rounds: int
    environments: Path
    rows: Sequence[Row] = ROWS

    @property
    def settings(self) -> dict[str, Any]:
        """What figures that are put together have in common."""
        return {"engines_ms": dict(self.engines_ms), "endpoint_ms": self.endpoint_ms}

    @property
    def silence_ms(self) -> int:
        """Behind each utterance, so that no answer meets the next one."""
        return self.endpoint_ms + sum(self.engines_ms.values()) + ANSWER_MS + SPARE_MS


def speech(silence_ms: int) -> tuple[bytes, float]:
    """An utterance in whole frames, and the ms at which its last voiced sample is; all behind it is zero.

    Voiced is a block of 10 ms that is not more than 15 dB below the loudest. What follows is cut off, so
    that no detector of voices can take another view of where speech ends.
    """
    samples = np.frombuffer(b"".join(decode(CLIP)), "<i2")
    blocks = samples[: len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK).astype(float)
    loudness = np.sqrt((blocks**2).mean(axis=1))
    voiced = (int(np.flatnonzero(loudness >= loudness.max() * 10 ** (VOICED_DB / 20))[-1]) + 1) * BLOCK
    pcm = samples[:voiced].tobytes() + bytes(silence_ms * SPEECH_RATE // 1000 * SAMPLE_BYTES)
    return pcm + bytes(-len(pcm) % FRAME), voiced * 1000 / SPEECH_RATE


def measure(report: Report, wish: Wish) -> None:
    """Adds the samples of each row and number of sessions, row after row, in every other round backwards."""
    pcm, voiced_ms = speech(wish.silence_ms)
    own = {row.name: row.variables for row in wish.rows if row.variables is not None}
    with tempfile.NamedTemporaryFile(suffix=".raw") as file, stacks(wish, own) as started:
        file.write(pcm)
        file.flush()
        for number in wish.sessions:
            for turn in range(wish.seed, wish.seed + wish.rounds):
                for row in wish.rows if turn % 2 == 0 else tuple(reversed(wish.rows)):
                    arm = started.get(row.name)
                    options = ["--speech", file.name, "--voiced-ms", f"{voiced_ms:g}", "--seed", str(turn)]
                    lines = Run(command(row, wish, number, arm) + options, arm).lines()
                    spoken_s = number * wish.utterances * len(pcm) / SAMPLE_BYTES / SPEECH_RATE
                    take(report, row.name, number, list(lines), spoken_s)


@contextmanager
def stacks(wish: Wish, variants: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, Arm]]:
    """This system, once for each of `variants`, by name."""
    if not variants:
        yield {}
        return
    common = {"VAD_MIN_SILENCE_MS": str(wish.endpoint_ms)}
    each = {name: {**variables, **common} for name, variables in variants.items()}
    with environment({}), arms(each, wish.engines_ms, max(wish.sessions)) as started:
        yield {arm.name: arm for arm in started}


def command(row: Row, wish: Wish, number: int, arm: Arm | None) -> list[str]:
    """The command of a row. Raises BridgeError where its environment is missing."""
    python = sys.executable
    if row.environment:
        python = str(wish.environments.absolute() / row.environment / "bin" / "python")
        if not Path(python).exists():
            raise BridgeError(f"{python} is missing.", "Run scripts/peers/setup.sh, or make bench-peers.")
    times = ",".join(str(ms) for ms in wish.engines_ms.values())
    line = [python, "-m", f"scripts.peers.{row.script}", "--sessions", str(number), "--engines-ms", times]
    line += ["--utterances", str(wish.utterances), "--endpoint-ms", str(wish.endpoint_ms)]
    line += [*row.options, *(["--speculate"] if row.speculates else [])]
    return line + (["--url", arm.url] if arm is not None else [])


class Run:
    """A script that measures; to what it says of its own cost comes that of the stack it speaks to."""

    def __init__(self, command: Sequence[str], arm: Arm | None) -> None:
        self._command = command
        self._arm = arm

    def lines(self) -> Iterator[dict[str, Any]]:
        """What it prints. Raises BridgeError where it fails, or takes more than 3 minutes."""
        with (
            tempfile.TemporaryFile("w+") as errors,
            subprocess.Popen(
                self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as process,
        ):
            assert process.stdout is not None
            limit = threading.Timer(LONGEST_S, process.kill)
            limit.daemon = True
            limit.start()
            began = self._now()
            for line in process.stdout:
                told = json.loads(line)
                if told["kind"] == "begun":
                    began = self._now()
                elif told["kind"] == "cost":
                    limit.cancel()
                    yield self._cost(told, began)
                    process.kill()
                    return
                yield told
            errors.seek(0)
            said = errors.read().strip().splitlines() or ["it said nothing"]
            raise BridgeError(f"{self._command[2]} ended early: {said[-1]}", "Run it by itself.")

    def _now(self) -> tuple[float, float, float]:
        ours = sum(cpu_seconds(pid) or 0.0 for pid in self._arm.pids) if self._arm is not None else 0.0
        return time.monotonic(), ours, busy_seconds()

    def _cost(self, told: dict[str, Any], began: tuple[float, float, float]) -> dict[str, Any]:
        passed, stack, busy = (now - before for now, before in zip(self._now(), began, strict=True))
        cpu = told["cpu_seconds"] + stack
        return told | {"cpu_seconds": cpu, "others_cores": max(0.0, busy - cpu) / passed}


def take(report: Report, row: str, number: int, lines: Sequence[Mapping[str, Any]], spoken_s: float) -> None:
    """Adds what one run printed; `spoken_s` are the seconds of all its sessions together."""
    cost = next(line for line in lines if line["kind"] == "cost")
    found = {
        "first_audio_ms": [line["ms"] for line in lines if line["kind"] == "heard"],
        "session_cpu": [round(cost["cpu_seconds"] * 1000 / spoken_s, 2)],
        "others_cores": [round(cost["others_cores"], 2)],
    }
    for name, values in found.items():
        report.samples.setdefault(f"{row}/{name}_{number}", []).extend(values)
    for name in ("missing", "again"):
        key = f"{row}/{name}_{number}"
        before = report.counts.get(key, 0)
        assert isinstance(before, int)
        report.count({key: before + cost[name]})


def markdown(report: Report, sessions: Sequence[int]) -> list[str]:
    """The table for people: p50 / p95 of first audio, CPU of a session, by number of sessions."""
    head = [f"{number}" for number in sessions]
    lines = [f"| sessions | {' | '.join(head)} | CPU, ms per s, at {' / '.join(head)} | missing |"]
    lines.append("|---" * (len(head) + 3) + "|")
    for row in ROWS:
        if not any(f"{row.name}/first_audio_ms_{number}" in report.samples for number in sessions):
            continue
        cells, cpu, missing = [], [], 0
        for number in sessions:
            figure = report.figures.get(f"{row.name}/first_audio_ms_{number}")
            cells.append(f"{figure['p50']:.0f} / {figure['p95']:.0f}" if figure else "-")
            used = report.figures.get(f"{row.name}/session_cpu_{number}")
            cpu.append(f"{used['p50']:.0f}" if used else "-")
            lost = report.counts.get(f"{row.name}/missing_{number}", 0)
            missing += lost if isinstance(lost, int) else 0
        lines.append(f"| {row.name} | {' | '.join(cells)} | {' / '.join(cpu)} | {missing} |")
    return lines


def continued(report: Report, file: Path) -> None:
    """Takes on the samples in `file`. Raises BridgeError where it was measured with other times."""
    kept = json.loads(file.read_text(encoding="utf-8"))
    same = ("engines_ms", "endpoint_ms")
    if any(kept["settings"][name] != report.settings[name] for name in same):
        raise BridgeError(f"{file} has other times.", "Name another file, or leave --add out.")
    report.add(kept["samples"])
    report.count(kept["counts"])
    report.settings["runs"] = [*kept["settings"]["runs"], *report.settings["runs"]]


def run(given: argparse.Namespace) -> None:
    """Measures as the options say, prints, and writes."""
    chosen = [row for row in ROWS if not given.rows or row.name in given.rows.split(",")]
    wish = Wish(
        numbers(given.sessions),
        given.utterances,
        engines(given.engines),
        given.endpoint_ms,
        given.seed,
        given.rounds,
        given.environments,
        chosen,
    )
    versions = {file.stem: file.read_text(encoding="utf-8").split() for file in sorted(FOLDER.glob("*.txt"))}
    report = Report("peers", wish.settings | {"versions": versions})
    about = {"date": report.date, "load_1m": report.machine["load_1m"], "sessions": given.sessions}
    report.settings["runs"] = [about | {"utterances": given.utterances, "seed": given.seed}]
    if given.add:
        continued(report, given.json)
    measure(report, wish)
    report.show()
    known = {int(name.rpartition("_")[2]) for name in report.samples}
    print("\n".join(markdown(report, sorted(known))))  # noqa: T201
    if given.json:
        report.write(given.json)


def main() -> None:
    """Reads the options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", default="1,8,32", help="how many speak at once, one after the other")
    parser.add_argument(
        "--utterances", type=int, default=4, help="of each in a round; the first does not count"
    )
    parser.add_argument("--rounds", type=int, default=2, help="turns of each row")
    parser.add_argument("--engines", default="120,60,80", help="ms of stt, translation, tts")
    parser.add_argument("--endpoint-ms", type=int, default=500, help="silence that ends a turn")
    parser.add_argument("--rows", default="", help=f"of {', '.join(row.name for row in ROWS)}; all if empty")
    parser.add_argument("--seed", type=int, default=0, help="of the moments at which sessions begin")
    parser.add_argument("--environments", type=Path, default=ROOT / ".venv-peers", help="of the peers")
    parser.add_argument("--json", type=Path, help="file for the figures, with all samples")
    parser.add_argument("--add", action="store_true", help="to the samples that are in that file")
    given = parser.parse_args()
    try:
        run(given)
    except BridgeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
