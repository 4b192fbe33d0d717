"""`speechbridge bench jitter`, `concurrency` and `throughput`: many sessions, and what each of them gets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.bench.outcome import MOST_SESSIONS, finish, numbers

Real = Annotated[bool, typer.Option("--real", help="Use the providers in force, not simulated ones.")]
Url = Annotated[str, typer.Option("--url", help="A gateway that runs; without it a stack is started.")]
Json = Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")]


def jitter(
    sessions: Annotated[
        str, typer.Option(metavar="N,...", help="Sessions that hear at once, one number after the other.")
    ] = "3,20",
    duration: Annotated[float, typer.Option(min=1, help="Seconds for each number of sessions.")] = 30,
    expected_interval: Annotated[
        str, typer.Option(metavar="MS", help="Length of a frame (FRAME_MS), such as 20ms.")
    ] = "20ms",
    real: Real = False,
    url: Url = "",
    json: Json = None,
) -> None:
    """How evenly speech comes in PACING=realtime, to a client in a process of its own that buffers nothing.

    jitter_ms: by how much the time between two frames of a segment differs from the length of a frame.
    drop_ratio: frames that never came, and those that came after the moment at which they were to be heard,
    counted from the arrival of the segment's first frame. gateway_cpu: ms per second and session.
    """
    from bridge.cli.bench import jitter as measured
    from bridge.cli.bench.report import Report

    frame_ms = milliseconds(expected_interval)
    settings = {
        "sessions": sessions,
        "duration": duration,
        "expected_interval_ms": frame_ms,
        "real": real,
        "url": url,
    }
    report = Report("jitter", settings)
    measured.measure(report, numbers(sessions), duration, frame_ms, real, url)
    finish(report, json)


def concurrency(
    ramp_sessions: Annotated[
        str, typer.Option(metavar="N,...", help="Sessions that speak at once, one level after the other.")
    ] = "1,3,5,8,10",
    duration_per_level: Annotated[float, typer.Option(min=1, help="Seconds for each level.")] = 60,
    real: Real = False,
    url: Url = "",
    json: Json = None,
) -> None:
    """How many sessions at once are served as well as the first ones: `sessions`.

    They speak in real time whatever comes back. A level is degraded where its first audio (p95) is more than
    20 % later than at the first level, or where something was lost. rtf: engine time for a second of speech.
    """
    from bridge.cli.bench import concurrency as measured
    from bridge.cli.bench.report import Report

    ramp = numbers(ramp_sessions, "--ramp-sessions")
    if not ramp:
        raise typer.BadParameter("name at least one level, such as 1,3,5", param_hint="--ramp-sessions")
    settings = {
        "ramp_sessions": ramp_sessions,
        "duration_per_level": duration_per_level,
        "real": real,
        "url": url,
    }
    report = Report("concurrency", settings)
    measured.measure(report, ramp, duration_per_level, real, url)
    finish(report, json, judged=lambda name: name == "sessions")


def throughput(
    duration: Annotated[float, typer.Option(min=2, help="Seconds that count.")] = 60,
    sessions: Annotated[int, typer.Option(min=1, max=MOST_SESSIONS, help="Sessions at once.")] = 16,
    real: Real = False,
    url: Url = "",
    json: Json = None,
) -> None:
    """How many utterances a second are heard whole when speech comes faster than it can be served.

    Simulated engines take no time here: what is measured is the system. utterance_rate: second by second.
    """
    from bridge.cli.bench import throughput as measured
    from bridge.cli.bench.report import Report

    report = Report("throughput", {"duration": duration, "sessions": sessions, "real": real, "url": url})
    measured.measure(report, sessions, duration, real, url)
    finish(report, json)


def milliseconds(written: str) -> int:
    """The length in 20ms or 20. Raises typer.BadParameter for what FRAME_MS may not be."""
    digits = written.strip().lower().removesuffix("ms").strip()
    if not digits.isdigit() or not 10 <= int(digits) <= 200:
        raise typer.BadParameter(
            f"{written} is no length of a frame; write for example 20ms, from 10ms to 200ms",
            param_hint="--expected-interval",
        )
    return int(digits)
