"""`speechbridge presets`: what each is for, what it needs, and whether it can start on this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from bridge.cli.probe import Probe
    from bridge.types import Stage

CLAIMED = {
    "low-latency": "100-150 ms",
    "balanced": "150-250 ms",
    "high-quality": "300-500 ms",
    "under-1s": "0.8 s",
    "under-500ms-cloud": "0.4 s",
    "standard": "1.5-2 s",
    "max-quality": "3-4 s",
    "cpu-only": "4-5 s",
}
"""What the guides that these presets come from claim; none says how it was measured."""

MEASURED = {"embedded": ("latency-embedded.json", "off/first_audio_ms")}
"""Presets of which benchmarks/ holds first audio; the others need models that were never here."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One provider of a preset; `error` says why it cannot be had here, `fix` what to do."""

    stage: Stage
    provider: str
    error: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Preset:
    """It `starts` where each stage has a provider that can be had. Latencies are text, "" where unknown."""

    name: str
    about: str
    engines: tuple[Engine, ...]
    gpu: str
    starts: bool
    claimed: str
    measured: str


def presets(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """List the presets: what each is for, what it needs, whether it can start here."""
    found = list(describe())
    if as_json:
        typer.echo(json.dumps([asdict(preset) for preset in found], indent=2))
    else:
        _print(found)


def describe() -> Iterator[Preset]:
    """Each file in config/presets, in the order of the alphabet. Every engine is loaded once, in a process of
    its own, with the variables of its preset."""
    from concurrent.futures import ThreadPoolExecutor

    from bridge.options import config_dir

    files = sorted((config_dir() / "presets").glob("*.env"))
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        asked: dict[Any, Any] = {}
        plans = [(file, *_plan(file.stem)) for file in files]
        for _, engines, _ in plans:
            for key in engines:
                if key not in asked:
                    asked[key] = pool.submit(_tried, *key)
        for file, engines, gpu in plans:
            yield _preset(file, [_engine(key, asked[key].result()) for key in engines], gpu)


Key = tuple["Stage", str, str, tuple[tuple[str, str], ...]]
"""A stage, a provider, a preset in which it is so, and the values that its engine reads there."""


def _plan(name: str) -> tuple[list[Key], str]:
    """The engines of a preset, and what it says of a GPU."""
    from bridge.options import origins
    from bridge.providers import chosen
    from bridge.settings import Settings
    from bridge.types import STAGES

    with _in_force(name):
        settings = Settings.read()
        keys: list[Key] = []
        for stage in STAGES:
            for row in chosen(stage, getattr(settings, f"{stage}_provider")):
                read = row.cls().Options.read()
                values = tuple((each.variable, each.value) for each in origins(read))
                keys.append((stage, row.name, name, values))
        return keys, settings.gpu_need


@contextmanager
def _in_force(name: str) -> Iterator[None]:
    before = os.environ.get("PRESET")
    os.environ["PRESET"] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ["PRESET"]
        else:
            os.environ["PRESET"] = before


def _tried(stage: Stage, provider: str, preset: str, values: object) -> Probe:
    from bridge.cli.probe import probe

    return probe(stage, provider, work=False, preset=preset)


def _engine(key: Key, found: Probe) -> Engine:
    return Engine(key[0], key[1], found.error, found.hint if found.error else "")


def _preset(file: Path, engines: list[Engine], gpu: str) -> Preset:
    from bridge.types import STAGES

    about = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    works = {engine.stage for engine in engines if not engine.error}
    name = file.stem
    starts = works == set(STAGES)
    return Preset(name, about, tuple(engines), gpu, starts, CLAIMED.get(name, ""), _measured(name))


def _measured(name: str) -> str:
    """The median of first audio and its 95th percentile, where the repository has them."""
    from pathlib import Path

    if name not in MEASURED:
        return ""
    file, figure = MEASURED[name]
    path = Path(__file__).parents[2] / "benchmarks" / file
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        values = found["figures"][figure]
        return f"{values['p50']:.0f}/{values['p95']:.0f} ms first audio, {found['date'][:10]}"
    except (OSError, ValueError, LookupError):
        return ""


def _print(found: list[Preset]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("preset", "starts here", "claimed", "measured"):
        table.add_column(heading, no_wrap=True)
    for preset in found:
        starts = "yes" if preset.starts else "no"
        table.add_row(preset.name, starts, preset.claimed or "-", preset.measured or "not measured")
    console = Console()
    console.print(table, markup=False)
    for preset in found:
        for line in _lines(preset):
            console.print(line, markup=False, soft_wrap=True)
    console.print(
        "\nclaimed: by the guides that a preset comes from, which do not say how it was measured.",
        soft_wrap=True,
    )


def _lines(preset: Preset) -> Iterator[str]:
    """What it is for, its engines, and what is lacking."""
    gpu = {"none": "", "useful": " A GPU helps.", "required": " It needs a GPU."}[preset.gpu]
    yield f"\n{preset.name}: {preset.about}{gpu}"
    stages: dict[str, list[str]] = {}
    for engine in preset.engines:
        stages.setdefault(engine.stage, []).append(engine.provider)
    yield "  " + ", ".join(f"{stage} {', else '.join(names)}" for stage, names in stages.items())
    for engine in preset.engines:
        if engine.error:
            yield f"  {engine.stage}, {engine.provider}: {engine.error}"
            if engine.fix:
                yield f"    → {engine.fix}"
