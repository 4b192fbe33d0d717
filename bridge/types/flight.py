"""What the flight recorder keeps: when each thing happened to a segment, and when it was heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridge.types.work import Stage

Outcome = Literal["heard", "silent", "stopped", "partly", "failed"]
"""What became of a segment, or of one of its targets (never `partly`): `silent` has no words, or nobody who
listens; `stopped` is not wanted any more."""


@dataclass(frozen=True, slots=True)
class Leg:
    """What one worker did for a segment: an attempt of a stage, behind a head its second `part`.

    Milliseconds after the end of speech: `taken_ms` when the worker took it, `queue_ms` after it was sent;
    `first_ms` and `last_ms` when its first and last results were there, None where it has none. `code`: why
    it failed. `provider`: whose engine did it.
    """

    stage: Stage
    target: str | None
    worker: str
    attempt: int
    part: int
    queue_ms: float
    taken_ms: float
    first_ms: float | None = None
    last_ms: float | None = None
    code: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Flight:
    """The record of a segment. `at` is the end of its speech, the arrival of the last voiced sample, on the
    clock of Redis in seconds; milliseconds count from there. The speech is `speech_ms` long, the segment was
    cut at `endpoint_ms`, its draft sent at `draft_ms` (0: there was none). `outcomes` by target. So many
    drafts of it were `dropped`, and not sent because the engines were busy (`unsent`); `again`: the stages of
    which another attempt was sent. `recorded`: it came faster than anybody speaks."""

    session: str
    segment: int
    at: float
    speech_ms: float
    endpoint_ms: float
    draft_ms: float
    source: str
    outcome: Outcome
    outcomes: dict[str, Outcome]
    legs: tuple[Leg, ...]
    dropped: int = 0
    unsent: int = 0
    again: tuple[Stage, ...] = ()
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Ear:
    """When a listener got to hear a segment in `target`: its first sound `left` the gateway, or was `played`
    as the client says, `ms` after the end of speech."""

    session: str
    segment: int
    target: str
    kind: Literal["left", "played"]
    ms: float
