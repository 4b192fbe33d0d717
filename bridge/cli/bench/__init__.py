"""`speechbridge bench NAME`: measures the system and writes what it saw, with the machine it saw it on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bridge.library import Kind

bench = typer.Typer(help="Measure latency and engines.", no_args_is_help=True)


@bench.command("latency")
def run_latency(
    iterations: Annotated[int, typer.Option(min=3, help="Utterances of each session.")] = 20,
    sessions: Annotated[int, typer.Option(min=1, max=256, help="Sessions that speak at once.")] = 1,
    chain: Annotated[
        int, typer.Option(min=0, help="Segments sent through the bare chain; 0 leaves it out.")
    ] = 200,
    real: Annotated[
        bool, typer.Option("--real", help="Use the providers in force, not simulated ones.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """Time that the system adds to its engines: the chain alone, and the whole way to the client.

    The chain: from before a segment is submitted until its third task has started, engines at 0 ms.
    The whole way: real speech in real time through the gateway; from the true end of speech to the
    arrival of the first translated sample, less endpoint and engines (simulated: 120 + 60 + 80 ms).
    """
    from bridge.cli.bench import latency as measured
    from bridge.cli.bench.report import Report

    report = Report("latency", {"iterations": iterations, "sessions": sessions, "chain": chain, "real": real})
    if chain:
        report.add(measured.chain(chain))
    report.add(measured.way(iterations, sessions, real))
    report.show()
    if json is not None:
        report.write(json)


@bench.command("engines")
def run_engines(
    stt: Annotated[
        str, typer.Option(metavar="SIZES", help="Of Whisper: tiny, base, small; empty leaves it out.")
    ] = "tiny,base",
    translation: Annotated[
        str, typer.Option(metavar="SIZES", help="Of NLLB: 600M, which takes 3 GB of memory and of disk.")
    ] = "",
    tts: Annotated[bool, typer.Option("--tts", help="Also a medium voice of Piper.")] = False,
    iterations: Annotated[int, typer.Option(min=1, help="Samples of each case.")] = 10,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the engine.")] = 2,
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """Time, real time factor and memory of the neural engines, on random weights: nothing is downloaded.

    Models of the true architectures are built in DATA_DIR/bench, which takes torch, and kept there.
    """
    from bridge.cli.bench import engines as measured
    from bridge.cli.bench.report import Report

    chosen = {"stt": stt, "translation": translation, "tts": tts}
    report = Report("engines", {**chosen, "iterations": iterations, "threads": threads})
    sizes: dict[Kind, list[str]] = {
        "whisper": _names(stt),
        "nllb": _names(translation),
        "nllb-transformers": _names(translation),
        "piper": ["medium"] if tts else [],
    }
    report.add(measured.measure(sizes, iterations, threads))
    report.show()
    if json is not None:
        report.write(json)


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]
