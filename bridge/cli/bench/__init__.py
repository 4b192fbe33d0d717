"""`speechbridge bench NAME`: measures the system and writes what it saw, with the machine it saw it on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bridge.cli.bench.report import Report
    from bridge.models.catalogue import Kind

MOST_SESSIONS = 512
bench = typer.Typer(help="Measure latency, fairness, recovery, rooms and engines.", no_args_is_help=True)


@bench.command("latency")
def run_latency(
    iterations: Annotated[int, typer.Option(min=3, help="Utterances of each session.")] = 20,
    sessions: Annotated[
        str,
        typer.Option(
            metavar="N,...",
            help="Sessions that speak at once, one number after the other; empty: one session.",
        ),
    ] = "",
    seconds: Annotated[
        float, typer.Option(min=1, help="Longest time to speak for each number of --sessions.")
    ] = 60,
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

    With --sessions, a process of its own speaks for all sessions, and each figure has their number behind
    its name. Besides: CPU time of gateway, workers, Redis and the speaking client in ms per second and
    session, how late that client was, and how many sessions were dropped and segments lost.
    """
    from bridge.cli.bench import latency as measured
    from bridge.cli.bench import levels
    from bridge.cli.bench.report import Report

    listed = numbers(sessions)
    settings = {"iterations": iterations, "sessions": sessions or "1", "chain": chain, "real": real}
    report = Report("latency", settings | ({"seconds": seconds} if listed else {}))
    if chain:
        report.add(measured.chain(chain))
    if listed:
        levels.measure(report, listed, iterations, seconds, real)
    else:
        report.add(measured.way(iterations, real))
    _finish(report, json)


@bench.command("recovery")
def run_recovery(
    stage: Annotated[
        str, typer.Option(metavar="STAGE,...", help="Whose workers are killed: stt, translation, tts.")
    ] = "stt,translation,tts",
    kills: Annotated[int, typer.Option(min=1, help="Kills for each stage.")] = 50,
    sessions: Annotated[int, typer.Option(min=1, max=64, help="Sessions that speak meanwhile.")] = 4,
    seconds: Annotated[float, typer.Option(min=30, help="Longest time in all; fewer kills then.")] = 1800,
    one_device: Annotated[
        bool, typer.Option("--one-device", help="Two workers of a stage on one queue, not each on its own.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """How much later speech is heard when the worker that has it is killed, and whether all of it is.

    Two workers of each stage; one of them is killed by SIGKILL in the midst of a segment, again and again,
    while sessions speak in real time. recovery_ms: first audio of the segments hit, less the median before.
    """
    from bridge.cli.bench import recovery as measured
    from bridge.cli.bench.report import Report
    from bridge.types import STAGES

    stages = [known for known in STAGES if known in _names(stage)]
    if not stages or len(stages) < len(_names(stage)):
        raise typer.BadParameter(f"{stage}; use {', '.join(STAGES)}", param_hint="--stage")
    settings = {"stage": stage, "kills": kills, "sessions": sessions, "one_device": one_device}
    report = Report("recovery", settings | {"seconds": seconds})
    measured.measure(report, stages, kills, sessions, seconds, one_device)
    _finish(report, json)


@bench.command("fairness")
def run_fairness(
    iterations: Annotated[int, typer.Option(min=2, help="Utterances of the live speaker.")] = 10,
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """How long a live speaker waits in queues: alone, beside two files, beside a client 100 times too fast.

    The topology that ships, with a recognition of 300 ms. file_s: time until a file has been heard whole.
    """
    from bridge.cli.bench import fairness as measured
    from bridge.cli.bench.report import Report

    report = Report("fairness", {"iterations": iterations})
    measured.measure(report, iterations)
    _finish(report, json)


@bench.command("overload")
def run_overload(
    load: Annotated[
        str, typer.Option(metavar="X,...", help="Speech said, as a multiple of what the engines can do.")
    ] = "0.5,1,1.5,2",
    stage: Annotated[str, typer.Option(help="Whose engine is short: stt, translation or tts.")] = "stt",
    utterances: Annotated[int, typer.Option(min=2, help="Of each session, 4 s each.")] = 6,
    lateness_ms: Annotated[int, typer.Option(min=500, help="LATENESS_MS while it runs.")] = 3_000,
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """How late speech is heard, and what is left out, where more is said than the engines can do.

    Simulated engines, one of which is short; sessions speak real speech in real time, from a process of
    their own. Each load without SHED, with it, and (above 1) with it where the gateway knows how many it has
    room for and refuses the others. lateness: from the true end of speech to its first sound, of what was
    heard. The number behind a name is the load in percent.
    """
    from bridge.cli.bench import overload as measured
    from bridge.cli.bench.report import Report
    from bridge.types import STAGES

    found = next((known for known in STAGES if known == stage), None)
    if found is None:
        raise typer.BadParameter(f"{stage}; use {', '.join(STAGES)}", param_hint="--stage")
    loads = sorted(factors(load, "--load"))
    report = Report(
        "overload",
        {"load": load, "stage": stage, "utterances": utterances, "lateness_ms": lateness_ms},
    )
    measured.measure(report, loads, found, utterances, lateness_ms)
    _finish(report, json)


@bench.command("rooms")
def run_rooms(
    listeners: Annotated[
        str, typer.Option(metavar="N,...", help="Listeners of one speaker, one number after the other.")
    ] = "1,100,500",
    gateways: Annotated[str, typer.Option(metavar="N,...", help="Gateway processes.")] = "1,2",
    utterances: Annotated[int, typer.Option(min=2, help="Of the speaker; the first opens connections.")] = 10,
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """What an audience in eight languages costs: engine calls, spread, memory of the gateways; what is lost.

    One speaks in real time, simulated engines, listeners in a process of their own. calls_*: work taken by
    the engines of each stage. spread_ms: from the first listener that hears a segment to each of them.
    listener_kb: growth of the gateways' memory for each listener, seated and (after) when all is said.
    """
    from bridge.cli.bench import rooms as measured
    from bridge.cli.bench.report import Report

    report = Report("rooms", {"listeners": listeners, "gateways": gateways, "utterances": utterances})
    measured.measure(report, numbers(gateways, "--gateways"), numbers(listeners, "--listeners"), utterances)
    _finish(report, json)


@bench.command("resume")
def run_resume(
    disconnects: Annotated[int, typer.Option(min=1, help="Connections lost, by all kinds of fault.")] = 1000,
    sessions: Annotated[
        int, typer.Option(min=1, max=64, help="Sessions of one, beside a room with a speaker and listeners.")
    ] = 16,
    seconds: Annotated[
        float, typer.Option(min=1, help="No further round is begun after this time; fewer disconnects then.")
    ] = 900,
    seed: Annotated[int, typer.Option(help="Start of the random numbers.")] = 0,
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """What is lost, doubled or changed when connections are lost, and how soon all is heard again.

    Two gateways behind one port, simulated engines, sessions that speak and listen in real time. Resets of
    single connections, some with no network for up to 4 s after it, a gateway killed by SIGKILL, and all
    gateways replaced one after the other, at random moments; compared, frame by frame, with sessions to
    which nothing happened. again_ms: from when the network is back until the session goes on, and its next
    frame comes, as far as that came later than it would have.
    """
    from bridge.cli.bench import resume as measured
    from bridge.cli.bench.report import Report

    settings = {"disconnects": disconnects, "sessions": sessions, "seconds": seconds, "seed": seed}
    report = Report("resume", settings)
    measured.measure(report, disconnects, sessions, seconds, seed)
    _finish(report, json)


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
    _finish(report, json)


def _finish(report: Report, json: Path | None) -> None:
    report.show()
    if json is not None:
        report.write(json)


def numbers(listed: str, option: str = "--sessions") -> list[int]:
    """The numbers in a list such as 1,16,64. Raises typer.BadParameter for anything else."""
    found = [int(name) if name.isdigit() else 0 for name in _names(listed)]
    if not all(1 <= number <= MOST_SESSIONS for number in found):
        raise typer.BadParameter(
            f"{listed} is no list of numbers from 1 to {MOST_SESSIONS}; write for example 1,16,64",
            param_hint=option,
        )
    return found


def factors(listed: str, option: str) -> list[float]:
    """The factors in a list such as 0.5,1,1.5. Raises typer.BadParameter for anything else."""
    try:
        found = [float(name) for name in _names(listed)]
    except ValueError:
        found = []
    if not found or not all(0.1 <= factor <= 5 for factor in found):
        raise typer.BadParameter(
            f"{listed} is no list of numbers from 0.1 to 5; write for example 0.5,1,1.5", param_hint=option
        )
    return found


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]
