"""`speechbridge bench latency`: what is to be measured, and of which stacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bridge.cli.bench.outcome import engines as engines_of
from bridge.cli.bench.outcome import finish, numbers
from bridge.cli.bench.outcome import percentiles as percentiles_of

if TYPE_CHECKING:
    from bridge.cli.bench.report import Report

Drafts = Literal["on", "off", "both"]
Mode = Literal["fixed", "adaptive"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What `bench latency` measures. `engines` empty: those in force; `sessions` empty: one, unnumbered."""

    iterations: int
    sessions: tuple[int, ...] = ()
    seconds: float = 60
    chain: int = 0
    engines: tuple[tuple[str, int], ...] = ()
    endpoint: int | None = None
    endpoint_mode: Mode | None = None
    drafts: Drafts | None = None
    url: str = ""
    percentiles: tuple[float, ...] = (50, 95, 99)

    @property
    def variants(self) -> dict[str, dict[str, str]]:
        """The variables of each stack to start, by the name before its figures."""
        common = {}
        if self.endpoint is not None:
            common["VAD_MIN_SILENCE_MS"] = str(self.endpoint)
        if self.endpoint_mode is not None:
            common["ENDPOINT"] = self.endpoint_mode
        if self.drafts == "both":
            return {name: common | _drafts(name) for name in ("off", "on")}
        return {"": common | (_drafts(self.drafts) if self.drafts is not None else {})}


def _drafts(wanted: str) -> dict[str, str]:
    return {"DRAFTS": "true" if wanted == "on" else "false"}


def measured(wish: Wish) -> Report:
    """Measures it. Raises BridgeError where a stack does not start or the sessions fail."""
    from bridge.cli.bench import latency, levels
    from bridge.cli.bench.arms import arms
    from bridge.cli.bench.report import Report

    report = Report("latency", _settings(wish), wish.percentiles)
    if wish.chain:
        report.add(latency.chain(wish.chain))
    most = max(wish.sessions, default=1)
    with arms(wish.variants, dict(wish.engines) or None, most, wish.url) as stacks:
        levels.measure(report, stacks, wish.sessions, wish.iterations, wish.seconds)
    return report


def _settings(wish: Wish) -> Mapping[str, object]:
    told = {name: value for name, value in asdict(wish).items() if value not in (None, "", (), [])}
    return told | {"engines": dict(wish.engines) or "in force"}


def latency(
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
    engines: Annotated[
        str, typer.Option(metavar="MS,MS,MS", help="Times of simulated stt, translation and tts.")
    ] = "120,60,80",
    real: Annotated[
        bool, typer.Option("--real", help="Use the providers in force, not simulated ones.")
    ] = False,
    url: Annotated[
        str, typer.Option(help="A gateway that runs; without it a stack of its own is started.")
    ] = "",
    drafts: Annotated[
        Drafts | None, typer.Option(help="DRAFTS; both: two stacks by turns, in one run.")
    ] = None,
    endpoint: Annotated[
        int | None,
        typer.Option(min=32, max=10_000, help="VAD_MIN_SILENCE_MS; 500 with simulated engines if not given."),
    ] = None,
    endpoint_mode: Annotated[
        Mode | None, typer.Option(help="ENDPOINT; fixed with simulated engines if not given.")
    ] = None,
    percentiles: Annotated[str, typer.Option(metavar="P,...", help="Columns of the table.")] = "50,95,99",
    png: Annotated[Path | None, typer.Option(help="File for a picture of latency against sessions.")] = None,
    json: Annotated[Path | None, typer.Option(help="File for the figures, with all samples.")] = None,
) -> None:
    """Time from the end of speech to the first translated sound, and what the system adds to its engines.

    The chain: from before a segment is submitted until its third task has started, engines at 0 ms.
    The whole way: real speech in real time through the gateway, from a process of its own; what comes back
    late is not waited for. first_audio_ms: from the true end of speech to the arrival of the first
    translated sample; after_endpoint_ms: that less the silence that ends a segment; overhead_ms: less the
    engines too; text_to_audio_ms: waits in queues and time of tts; rtf: engine time for a second of speech.

    With --sessions each figure has their number behind its name, with --drafts both the name of the stack
    before it. Besides: CPU time of gateway, workers, Redis and the speaking client in ms per second and
    session, how late that client was, and how many sessions were dropped and segments lost.
    """
    if url and (real or drafts or endpoint or endpoint_mode):
        raise typer.BadParameter("a gateway that runs keeps its own settings", param_hint="--url")
    wish = Wish(
        iterations=iterations,
        sessions=tuple(numbers(sessions)),
        seconds=seconds,
        chain=chain if not url else 0,
        engines=() if real or url else tuple(engines_of(engines).items()),
        endpoint=endpoint,
        endpoint_mode=endpoint_mode,
        drafts=drafts,
        url=url,
        percentiles=percentiles_of(percentiles),
    )
    if png is not None:
        from bridge.cli.bench import plot

        plot.prepare(png)
    report = measured(wish)
    if png is not None:
        plot.draw(report, png)
    finish(report, json)
