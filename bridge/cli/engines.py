"""What `speechbridge doctor` finds out about the engines in force: each does its work once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bridge.cli.check import Check
from bridge.cli.probe import Probe, probe
from bridge.errors import BridgeError
from bridge.types import Stage

if TYPE_CHECKING:
    from bridge.settings import Settings

Probes = Sequence[tuple[Stage, str, Probe]]


def named(stage: Stage, settings: Settings) -> list[str]:
    """The providers of a stage; the list itself where it makes no sense, to hear why."""
    from bridge.providers import chosen

    names: str = getattr(settings, f"{stage}_provider")
    try:
        return [row.name for row in chosen(stage, names)]
    except BridgeError:
        return [names]


def probed(stage: Stage, name: str) -> Probe:
    """What the engine said, or why there is none of that name."""
    from bridge.providers import chosen

    try:
        chosen(stage, name)
    except BridgeError as error:
        return Probe(error=error.message, hint=error.hint)
    return probe(stage, name)


def provider(stage: Stage, name: str, probe: Probe, *, others: Probes) -> Check:
    """Whether a provider in force did its work just now; of several of a stage one must."""
    if probe.error:
        fix = probe.hint or f"Choose another {stage.upper()}_PROVIDER: speechbridge providers"
        needed = all(other.error for of, _, other in others if of == stage)
        return Check(stage, False, name, required=needed, error=probe.error, fix=fix)
    return Check(stage, True, f"{name}: {probe.answer}")


def languages(probes: Probes) -> Check:
    """The pairs that the providers can do together."""
    heard = {tag for stage, _, found in probes if stage == "stt" for tag in found.languages}
    spoken = {tag for stage, _, found in probes if stage == "tts" for tag in found.languages}
    offered = dict.fromkeys(pair for *_, found in probes for pair in found.pairs)
    pairs = [pair for pair in offered if pair[0] in heard and pair[1] in spoken]
    if pairs:
        return Check("languages", True, ", ".join(f"{source} → {target}" for source, target in pairs))
    return Check(
        "languages",
        False,
        error="No pair can be heard, translated and spoken by the providers together.",
        fix="Choose providers that share a language: speechbridge providers",
    )
