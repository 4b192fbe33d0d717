"""`speechbridge bench NAME`: measures the system and writes what it saw, with the machine it saw it on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.bench.commands.ab import ab as run_ab
from bridge.cli.bench.commands.baseline import baseline as run_baseline
from bridge.cli.bench.commands.latency import latency as run_latency
from bridge.cli.bench.commands.many import concurrency as run_concurrency
from bridge.cli.bench.commands.many import jitter as run_jitter
from bridge.cli.bench.commands.many import throughput as run_throughput
from bridge.cli.bench.commands.overload import overload as run_overload
from bridge.cli.bench.commands.placement import placement as run_placement
from bridge.cli.bench.commands.stage import stage as run_stage
from bridge.cli.bench.outcome import finish, names, numbers

if TYPE_CHECKING:
    from bridge.models.catalogue import Kind

bench = typer.Typer(help="Measure latency, fairness, recovery, rooms and engines.", no_args_is_help=True)


bench.command("latency")(run_latency)
bench.command("ab")(run_ab)
bench.command("baseline")(run_baseline)
bench.command("stage")(run_stage)
bench.command("jitter")(run_jitter)
bench.command("concurrency")(run_concurrency)
bench.command("throughput")(run_throughput)
bench.command("overload")(run_overload)
bench.command("placement")(run_placement)


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

    stages = [known for known in STAGES if known in names(stage)]
    if not stages or len(stages) < len(names(stage)):
        raise typer.BadParameter(f"{stage}; use {', '.join(STAGES)}", param_hint="--stage")
    settings = {"stage": stage, "kills": kills, "sessions": sessions, "one_device": one_device}
    report = Report("recovery", settings | {"seconds": seconds})
    measured.measure(report, stages, kills, sessions, seconds, one_device)
    finish(report, json)


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
    finish(report, json)


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
    finish(report, json)


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
    finish(report, json)


@bench.command("barge-in")
def run_barge_in(
    iterations: Annotated[int, typer.Option(min=2, help="Interruptions.")] = 30,
    controls: Annotated[int, typer.Option(min=1, help="Pauses by the client, each with a resume.")] = 50,
    sessions: Annotated[int, typer.Option(min=0, max=64, help="Sessions that speak besides.")] = 3,
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """How soon the system falls silent when a listener speaks against it, or says `playback.pause`.

    Real speech in real time, simulated engines, the client in a process of its own. barge_in_ms, stop_ms:
    from the decision of the gateway to the acknowledgement of the worker that speaks; paused_ms: to that at
    the client; last_sample_ms: to the last speech that the client gets, where any comes after the decision.
    control_ms: from the client's wish to its acknowledgement.
    """
    from bridge.cli.bench import barge_in as measured
    from bridge.cli.bench.report import Report

    report = Report("barge-in", {"iterations": iterations, "controls": controls, "sessions": sessions})
    measured.measure(report, iterations, controls, sessions)
    finish(report, json)


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
        "whisper": names(stt),
        "nllb": names(translation),
        "nllb-transformers": names(translation),
        "piper": ["medium"] if tts else [],
    }
    report.add(measured.measure(sizes, iterations, threads))
    finish(report, json)
