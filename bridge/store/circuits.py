"""How the circuit breakers stand, for whoever shows them: open, half-open or closed, until when, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bridge.types import STAGES, Stage

Standing = Literal["closed", "half-open", "open"]
LEVELS: dict[Standing, int] = {"closed": 0, "half-open": 1, "open": 2}
"""As the series bridge_breaker_state has it."""

REMEDIES = {
    "auth": "Correct its key and restart its workers, or take it off the list.",
    "quota": "Raise the quota at the vendor, or put another provider before it.",
    "rate_limited": "Raise the limit at the vendor, or lower `concurrency` in the topology.",
    "timeout": "Look whether it is slow or the way to it is; its deadlines are options of the provider.",
}
OTHERWISE = "Look at the status page of the vendor or the log of the server; it is tried again by itself."


@dataclass(frozen=True, slots=True)
class Circuit:
    """The breaker of one provider: `failures` in a row, the last one with this `code`; it is open, or
    half-open, `since` so many seconds on the clock of Redis, and is tried in `left` seconds."""

    stage: Stage
    provider: str
    state: Standing = "closed"
    failures: int = 0
    code: str = ""
    since: float = 0.0
    left: float = 0.0

    @property
    def words(self) -> str:
        """In a few words."""
        if self.state == "open":
            return f"open for {self.left:.0f} s more: {self.code}"
        return self.state if self.state == "closed" else f"half-open: {self.code}"

    @property
    def hint(self) -> str:
        """What an operator does about it."""
        return remedy(self.code)


def remedy(code: str) -> str:
    """What an operator does about an error that opened a breaker."""
    return REMEDIES.get(code, OTHERWISE)


def read(records: Mapping[bytes, bytes], now: float) -> tuple[Circuit, ...]:
    """What the hash `breakers` holds, at `now` on the clock of Redis; what cannot be read is left out."""
    found = (_read(name.decode(), raw, now) for name, raw in records.items())
    return tuple(sorted(filter(None, found), key=_place))


def standing(named: Iterable[tuple[Stage, str]], circuits: Iterable[Circuit]) -> tuple[Circuit, ...]:
    """How those of `named` stand, each a stage and its providers, comma-separated: closed where nothing is
    kept."""
    known = {(circuit.stage, circuit.provider): circuit for circuit in circuits}
    asked = dict.fromkeys((stage, name) for stage, names in named for name in names.split(","))
    return tuple(sorted((known.get(each) or Circuit(*each) for each in asked), key=_place))


def _place(circuit: Circuit) -> tuple[int, str]:
    return STAGES.index(circuit.stage), circuit.provider


def _read(name: str, raw: bytes, now: float) -> Circuit | None:
    try:
        stage, _, provider = name.partition("/")
        kept = json.loads(raw)
        till, failures, code = kept.get("till"), int(kept["n"]), str(kept["code"])
        if stage not in STAGES:
            return None
        if till is None:
            return Circuit(stage, provider, "closed", failures, code)
        state: Standing = "open" if now < till else "half-open"
        return Circuit(
            stage, provider, state, failures, code, float(kept["since"]), round(max(0.0, till - now), 1)
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
