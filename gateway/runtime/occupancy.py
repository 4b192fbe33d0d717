"""What of this gateway's work is in each queue, and what is on its way there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from gateway.core.inputs import Key


@dataclass(slots=True)
class _Unit:
    """One piece of work; it has `arrived` when the stage before it is done."""

    queue: str
    arrived: bool = False


class Occupancy:
    """Counts by queue: `bound` is all that was sent to go through it, `here` is what waits or runs there."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moved: dict[str, float] = {}
        self.bound: Counter[str] = Counter()
        self.here: Counter[str] = Counter()
        self._units: dict[str, dict[Key, _Unit]] = {}

    def __contains__(self, session: str) -> bool:
        return session in self._units

    def quiet(self, queue: str) -> float:
        """Seconds since a piece left the queue, or came to it while it was empty; 0 where none ever was."""
        now = self._clock()
        return now - self._moved.get(queue, now)

    def begin(self, session: str, queues: Mapping[Key, str]) -> None:
        """A segment is sent, or a part of it once more in the place of what was lost."""
        units = self._units.setdefault(session, {})
        for key, queue in queues.items():
            self._leave(units.pop(key, None))
            units[key] = _Unit(queue)
            self.bound[queue] += 1
        self._arrive(units, queues)

    def free(self, session: str, keys: Collection[Key]) -> bool:
        """These are done, or not wanted any more; whether that changed anything."""
        units = self._units.get(session, {})
        left = [units.pop(key) for key in keys if key in units]
        for unit in left:
            self._leave(unit)
        if left:
            self._arrive(units, keys)
        return bool(left)

    def forget(self, session: str) -> None:
        """The session is over."""
        for unit in self._units.pop(session, {}).values():
            self._leave(unit)

    def _leave(self, unit: _Unit | None) -> None:
        if unit is not None:
            self.bound[unit.queue] -= 1
            if unit.arrived:
                self.here[unit.queue] -= 1
                self._moved[unit.queue] = self._clock()

    def _arrive(self, units: Mapping[Key, _Unit], changed: Collection[Key]) -> None:
        segments = {segment for segment, _, _ in changed}
        for key, unit in units.items():
            if not unit.arrived and key[0] in segments and _before(key) not in units:
                unit.arrived = True
                if not self.here[unit.queue]:
                    self._moved[unit.queue] = self._clock()
                self.here[unit.queue] += 1


def _before(key: Key) -> Key | None:
    segment, stage, target = key
    match stage:
        case "translation":
            return segment, "stt", None
        case "tts":
            return segment, "translation", target
    return None
