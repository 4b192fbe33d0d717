"""The deadlines of one segment whose work is sent at once, and the words for what is due."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.types import Stage
from gateway.core.deadlines import Deadlines, Overdue
from gateway.core.inputs import Key
from gateway.core.terms import Patience

PATIENCE = Patience(queue=30, run=10, total=60, attempts=3, pause=0)
STT: Key = (0, "stt", None)
ES: Key = (0, "translation", "es")
CA: Key = (0, "translation", "ca")


class Waits:
    """One segment, cut at 0 s; what is due is on its way at once, as an attempt of its own."""

    def __init__(self, patience: Patience = PATIENCE, length: float = 0.0, sent: bool = True) -> None:
        self.of = Deadlines(patience)
        self.of.cut(0, 0, length)
        self._attempts = 0
        if sent:
            self.of.sent(0, STT)

    def due(self, now: float, *running: Key) -> list[Overdue]:
        found = self.of.due(now, dict.fromkeys(running, True))
        for what in found:
            if what.action == "again":
                self._attempts += 1
                key = (what.segment, what.stage, what.target)
                self.of.sent_again(key, self._attempts)
                self.of.sent(now, key)
        return found

    def translating(self, now: float = 0.0, *keys: Key) -> Waits:
        self.of.finished(STT)
        for key in keys or (ES,):
            self.of.follow(now, key, 0, "sender")
        return self


def again(reason: str, stage: Stage = "stt", target: str | None = None) -> Overdue:
    return Overdue(0, stage, target, "again", reason)


def given_up(found: Sequence[Overdue]) -> list[str]:
    return [what.reason for what in found if what.action == "give_up"]
