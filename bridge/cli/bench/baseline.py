"""What a machine does with one speaker before anything is tuned: times, memory, and a GPU if there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bridge.cli.bench.arms import arms
from bridge.cli.bench.crowd import Crowd
from bridge.cli.bench.ear import Account
from bridge.cli.bench.levels import samples, utterances
from bridge.cli.bench.processes import children, resident_bytes
from bridge.cli.bench.report import Report
from bridge.errors import BridgeError

BEGIN, END = "<!-- baseline: written by `speechbridge bench baseline --doc` -->", "<!-- end of baseline -->"
LOOK_SECONDS = 0.5
WINDOW_MS = 32
Row = dict[str, float]


def measured(seconds: float, engines_ms: Mapping[str, int] | None) -> Report:
    """One session speaks for so long. Raises BridgeError where the stack does not start, or is not heard."""
    from bridge.cli.profile.pipeline import vad

    report = Report("baseline", {"duration": seconds, "engines": dict(engines_ms or {}) or "in force"})
    count = utterances(10**6, seconds)
    with arms({"": {}}, engines_ms, 1) as (arm,):
        idle = gpu()
        roles = {pid: role for pid, role in children(os.getpid()).items() if pid in arm.pids}
        with _looking(lambda: memory(roles) | gpu()) as rows, Crowd(arm.url, 1, count) as crowd:
            crowd.wait()
    accounts = [account for account in crowd.between("speaking", "quiet") if account.whole]
    if not accounts:
        raise BridgeError("Nothing was heard whole.", "See what is missing: speechbridge doctor")
    report.add({"text_ms": texts(accounts)} | samples(accounts, engines_ms))
    report.add({"audio_rtf": [ms / WINDOW_MS for ms in vad()]})
    names = dict.fromkeys(name for row in rows for name in row)
    report.add({name: [row[name] for row in rows if name in row] for name in names})
    report.add({f"idle_{name}": [value] for name, value in idle.items()})
    report.count({"segments": len(accounts)})
    return report


def texts(accounts: list[Account]) -> list[float]:
    """From the end of speech to the arrival of its translated text, in ms."""
    return [
        round((account.translated_at - account.said_at) * 1000, 2)
        for account in accounts
        if account.translated_at is not None
    ]


def memory(roles: Mapping[int, str]) -> Row:
    """Resident memory of gateway, workers and Redis, and of all of them, in MB."""
    found: Row = {"memory_mb": 0.0}
    for pid, role in roles.items():
        mb = resident_bytes(pid) / 1e6
        found[f"{role}_mb"] = found.get(f"{role}_mb", 0.0) + mb
        found["memory_mb"] += mb
    return found


def gpu() -> Row:
    """The share of time in which a GPU works, the busiest counts, and memory of all; nothing without one."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return {}
    query = [tool, "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    return read_gpu(said)


def read_gpu(said: str) -> Row:
    """The same from what nvidia-smi says: a line of per cent and MiB for each GPU."""
    cards = [[float(cell) for cell in line.split(",")] for line in said.splitlines() if line[:1].isdigit()]
    if not cards:
        return {}
    busiest, mib = max(busy for busy, _ in cards), sum(mib for _, mib in cards)
    return {"gpu_ratio": busiest / 100, "gpu_mb": mib * 1.048576}


@contextmanager
def _looking(look: Callable[[], Row]) -> Iterator[list[Row]]:
    """Looks again and again while the block runs."""
    rows = [look()]
    over = threading.Event()

    def keep_looking() -> None:
        while not over.wait(LOOK_SECONDS):
            rows.append(look())

    thread = threading.Thread(target=keep_looking, name="baseline")
    thread.start()
    try:
        yield rows
    finally:
        over.set()
        thread.join()


def block(report: Report) -> str:
    """The baseline for a page of documentation."""
    figures = report.figures
    machine = report.machine

    def of(name: str) -> str:
        return f"{figures[name]['p50']:.0f} / {figures[name]['p95']:.0f}"

    graphics = "none"
    if "gpu_ratio" in figures:
        idle, busy = (report.samples[name] for name in ("idle_gpu_ratio", "gpu_ratio"))
        graphics = f"{100 * idle[0]:.0f} % idle, {100 * max(busy):.0f} % at most"
    rows = [
        ("translated text, from the end of speech, ms", of("text_ms")),
        ("first audio, from the end of speech, ms", of("first_audio_ms")),
        ("the same without the silence that ends a segment, ms", of("after_endpoint_ms")),
        ("finding speech in the audio, share of real time", f"{figures['audio_rtf']['p50']:.4f}"),
        ("memory of gateway, workers and Redis, at most, MB", f"{max(report.samples['memory_mb']):.0f}"),
        ("GPU", graphics),
    ]
    lines = ["| p50 / p95 | |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)]
    where = f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gb']} GB, {report.date[:10]}"
    counted = f"load before the run {machine['load_1m']}, {len(report.samples['text_ms'])} segments"
    return "\n".join([*lines, "", f"{where}, {counted}."])


def write_block(page: Path, text: str, begins: str = BEGIN, ends: str = END) -> None:
    """Puts it between two marks, by default those of the baseline.

    Raises BridgeError where the page has none, or cannot be written.
    """
    try:
        whole = page.read_text(encoding="utf-8")
        before, begin, rest = whole.partition(begins)
        _, end, after = rest.partition(ends)
        if not (begin and end):
            raise BridgeError(f"{page} has no place for it.", f"Add these two lines to it: {begins} {ends}")
        page.write_text(f"{before}{begins}\n{text}\n{ends}{after}", encoding="utf-8")
    except OSError as error:
        raise BridgeError(f"{page} cannot be written: {error.strerror}.", "Name another file.") from None
