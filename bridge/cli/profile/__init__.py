"""`speechbridge profile NAME`: where the time of a segment, or the time or memory of a process, goes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bridge.cli.bench.outcome import engines as engines_of

profile = typer.Typer(help="See where time and memory go.", no_args_is_help=True)

WORKER = typer.Option("--worker", metavar="NAME", help="A worker of the topology that runs here, or gateway.")
PID = typer.Option("--pid", help="The process itself, where several have that name.")
SECONDS = typer.Option(min=1, help="How long to look.")


@profile.command("pipeline")
def run_pipeline(
    iterations: Annotated[int, typer.Option(min=3, help="Utterances spoken.")] = 10,
    engines: Annotated[
        str,
        typer.Option(metavar="MS,MS,MS", help="Times of simulated engines; empty: the engines in force."),
    ] = "",
    url: Annotated[str, typer.Option(help="A gateway that runs; without it a stack is started.")] = "",
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """Milliseconds and per cent of each stage of a segment, with their grades, from speech in real time.

    NLP is the translation, Response Generation the clean-up of texts and their split into sentences. Audio,
    VAD and texts are timed in this process, by the code and on the speech that the gateway and workers run.
    """
    from bridge.cli.profile import pipeline

    report = pipeline.measured(iterations, engines_of(engines) if engines else None, url)
    typer.echo("\n".join(pipeline.lines(report)))
    if json is not None:
        report.write(json)


@profile.command("cpu")
def run_cpu(
    worker: Annotated[str, WORKER] = "",
    pid: Annotated[int | None, PID] = None,
    seconds: Annotated[int, SECONDS] = 30,
    out: Annotated[Path, typer.Option(help="File for the flame graph.")] = Path("profile.svg"),
    top: Annotated[bool, typer.Option("--top", help="Show what runs now, as top does, instead.")] = False,
) -> None:
    """A flame graph of a process that runs, by py-spy, which does not slow it down."""
    from bridge.cli.profile import cpu
    from bridge.cli.profile.process import process

    command = cpu.command(process(worker, pid), seconds, out, top=top)
    cpu.run(command)
    if not top:
        typer.echo(f"{out}: open it in a browser; wide bars take the time")


@profile.command("memory")
def run_memory(
    worker: Annotated[str, WORKER] = "",
    pid: Annotated[int | None, PID] = None,
    seconds: Annotated[int, SECONDS] = 30,
) -> None:
    """Which lines of code of a worker hold more memory after these seconds than before.

    The worker has to run with PROFILE=memory.
    """
    from bridge.cli.profile import memory
    from bridge.cli.profile.process import process
    from bridge.settings import Settings

    typer.echo(memory.difference(process(worker, pid), seconds, Settings.read().data_dir), nl=False)


@profile.command("gpu")
def run_gpu(
    worker: Annotated[str, typer.Option("--worker", metavar="NAME", help="A worker of the topology.")],
    tool: Annotated[Literal["nsys", "ncu"], typer.Option(help="Time line, or single kernels.")] = "nsys",
    seconds: Annotated[int, SECONDS] = 30,
    kernels: Annotated[str, typer.Option(help="Kernels that ncu looks at.")] = "regex:.*attention.*",
    out: Annotated[Path | None, typer.Option(help="File for the report, without its ending.")] = None,
) -> None:
    """Run one more process of a worker under NVIDIA's nsys or ncu, on the Redis of the one that runs.

    It takes its share of the work that comes meanwhile. Where the tool is missing, the command is printed.
    """
    from bridge.cli.profile import gpu

    gpu.run(gpu.command(tool, worker, seconds, kernels, out or Path(f"{worker}-{tool}")), worker, seconds)
