"""PAUSE, RESUME and STOP of what is spoken to one session, as workers hear of them: at once, by pub/sub.

A worker never holds its engine for a pause, since others wait for it too: what it makes meanwhile waits in
the journal. A stop ends what it makes of the segments before the one that is named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import structlog

from bridge.errors import RedisUnavailable
from bridge.store.work import Desk
from bridge.types import Decision

log = structlog.get_logger(__name__)

WORDS = {"paused": "PAUSE", "resumed": "RESUME", "stopped": "STOP"}


@dataclass(frozen=True, slots=True)
class Command:
    """Decision `number` of a session, made `at`, in seconds on the clock of Redis; a STOP silences the
    segments before `segment`."""

    command: str
    session: str
    room: str
    number: int
    segment: int
    at: float

    @classmethod
    def of(cls, room: str, decision: Decision, at: float) -> Self:
        """What a decision (paused, resumed, stopped) tells the workers."""
        command = WORDS[decision.kind]
        return cls(command, decision.session, room, decision.number, decision.segment, at)

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """The command in a message. Raises KeyError or ValueError where it is none."""
        command, session, room = (str(values[name]) for name in ("command", "session", "room"))
        if command not in WORDS.values():
            raise ValueError(f"no command: {command}")
        return cls(command, session, room, int(values["number"]), int(values["segment"]), float(values["at"]))

    def message(self) -> str:
        """As it is published."""
        return json.dumps(asdict(self), separators=(",", ":"))


class Obedience:
    """A worker that speaks acknowledges in the journal what it heard, and says so in its log.

    `heard` is told after how many seconds.
    """

    def __init__(
        self, desk: Desk, worker: str, heard: Callable[[float], None] = lambda seconds: None
    ) -> None:
        self._desk = desk
        self._worker = worker
        self._heard = heard

    def __call__(self, command: Command) -> None:
        """Acknowledges; where Redis does not answer, nobody waits for it."""
        try:
            ms = self._desk.obeyed(command.room, command.session, command.number, command.at, self._worker)
        except RedisUnavailable as error:
            log.warning(
                "not acknowledged", session=command.session, command=command.command, error=error.message
            )
            return
        self._heard(ms / 1000)
        # Operators look for these words: `grep "PAUSE received"`, and the number behind "latency: ".
        log.info(f"{command.command} received, latency: {ms:.1f} ms", session=command.session, latency_ms=ms)
