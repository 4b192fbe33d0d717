"""What this gateway leaves out under pressure: it counts what stands at the engines, and asks the core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import structlog

from bridge.metrics import gateway as series
from bridge.placement import Place
from bridge.types import STAGES, Decision, Entry, Event, Stage
from gateway.core.capacity import Capacity
from gateway.core.effects import Submit
from gateway.core.pressure import RISE, Level, Pressure
from gateway.core.service import Service
from gateway.core.triage import Line, Treatment, forecast, treat
from gateway.runtime.fleet import Fleet
from gateway.runtime.occupancy import Occupancy

log = structlog.get_logger(__name__)

CROWDED = RISE[-1]
"""Share of the budget, waited for stt or translation, from which words that are too late are not made."""
MARGIN = 0.05
"""Share of the budget that a forecast may be wrong by: speech that just misses it was work in vain."""


class Shedding:
    """Of one gateway. `budget` is how long after its end, in seconds, speech may be heard, 0 for ever.
    `others` speak at the other gateways, and `coming` will here in a moment."""

    def __init__(self, fleet: Fleet, occupancy: Occupancy, budget: float) -> None:
        self.service = Service()
        self.capacity = Capacity()
        self._pressure = Pressure()
        self._fleet = fleet
        self._occupancy = occupancy
        self.budget = budget
        self._queues: dict[str, str] = {}
        self._waiting: dict[Stage, int] = dict.fromkeys(STAGES, 0)
        self._muted: dict[str, frozenset[str]] = {}
        self.others = 0
        self.coming = 0
        self._here: set[str] = set()
        self._recorded: set[str] = set()

    @property
    def _live(self) -> set[str]:
        """Those here who speak just now, not from a recording."""
        return self._here - self._recorded

    @property
    def level(self) -> Level:
        """What is left out at the moment."""
        return self._pressure.level

    def told(self, entry: Entry) -> None:
        """The journal of a room says what a worker did, or that somebody has spoken."""
        item = entry.item
        if isinstance(item, Event) and (queue := self._queues.get(item.worker)):
            self.service.note(item, queue)
        elif isinstance(item, Decision) and item.kind == "cut" and item.session in self._live:
            self.capacity.asked(len(item.targets))

    def looked(self, now: float, waiting: Iterable[Submit]) -> None:
        """The workers were looked at; `waiting` is what waits here to be sent, of live speakers."""
        self._queues = {worker.name: worker.queue for worker in self._fleet.workers}
        self._waiting = dict.fromkeys(STAGES, 0)
        for submit in waiting:
            for stage in STAGES[STAGES.index(submit.stage) :]:
                self._waiting[stage] += 1 if stage == "stt" else len(submit.targets)
        self.capacity.pass_time(now, len(self._live))
        if not self.budget:
            return
        before = self.level
        self._pressure.note(now, max(self._strain(stage) for stage in STAGES))
        if self.level != before:
            series.PRESSURE.set(self.level)
            log.info("pressure", leaves_out=self.level.name.lower(), before=before.name.lower())

    def treat(self, session: str, submit: Submit, plan: Mapping[Place, str]) -> Treatment:
        """What becomes of a segment that is to be sent now along `plan`."""
        due = submit.work.due
        if not due or submit.stage != "stt":
            return Treatment(mute=submit.mute)
        lines = {place: self._line(queue) for place, queue in plan.items()}
        muted = self._muted.get(session, frozenset())
        found = treat(
            due - self._fleet.now() - MARGIN * self.budget,
            forecast(lines, self.service, quick=False),
            forecast(lines, self.service, quick=True),
            quick=self.level >= Level.QUALITY,
            muted=muted,
            crowded=max(self._strain("stt"), self._strain("translation")) >= CROWDED,
        )
        return Treatment(found.quick, found.mute | submit.mute, found.drop)

    def reduced(
        self, submit: Submit, plan: Mapping[Place, str], found: Treatment
    ) -> tuple[Submit, dict[Place, str]]:
        """What is sent of a segment and where, so treated: tts must have begun before its speech is due, by
        as much as it takes to the first sound."""
        spoken = {
            (stage, target): queue
            for (stage, target), queue in plan.items()
            if stage != "tts" or target not in found.mute
        }
        first = max(
            (self.service.first(queue) for (stage, _), queue in spoken.items() if stage == "tts"), default=0.0
        )
        due = submit.work.due - first if submit.work.due else 0.0
        return replace(submit, work=submit.work.but(quick=found.quick, due=due)), spoken

    def note(self, session: str, treatment: Treatment) -> None:
        """So a segment of the session was treated."""
        if not treatment.drop:
            self._muted[session] = treatment.mute

    def joined(self, session: str) -> None:
        """Somebody may speak here."""
        self._here.add(session)

    def submitted(self, session: str, *, live: bool) -> None:
        """Somebody's work is to be sent, who speaks just now or does not."""
        (self._recorded.discard if live else self._recorded.add)(session)

    def forget(self, session: str) -> None:
        """The session is over."""
        self._here.discard(session)
        self._recorded.discard(session)
        self._muted.pop(session, None)

    @property
    def speaking(self) -> int:
        """Those here who speak just now, and those who come in."""
        return len(self._live) + self.coming

    def has_room(self) -> bool:
        """Whether the engines can serve all who speak, at any gateway, as they spoke of late."""
        busy = {stage: self._busy(stage) for stage in STAGES}
        slots = {stage: self._slots(stage) for stage in STAGES}
        return not self.budget or self.capacity.has_room(self.speaking + self.others, busy, slots)

    def _strain(self, stage: Stage) -> float:
        """What a segment would wait for a stage, as a share of the budget."""
        lines = [self._line(queue) for queue in self._queues_of(stage)]
        slots = sum(line.slots for line in lines)
        if not slots or not self.budget:
            return 0.0
        work = sum(line.pieces for line in lines) + self._waiting[stage]
        return max(0.0, work - slots) * self._busy(stage) / slots / self.budget

    def _busy(self, stage: Stage) -> float:
        """Seconds that a piece keeps a slot of a stage, on the average of what its queues do in a second: a
        slow one does less, and gets less."""
        times = {queue: self.service.busy(queue) for queue in self._queues_of(stage)}
        if not times or not min(times.values()):
            return 0.0
        return self._slots(stage) / sum(self._fleet.slots[queue] / busy for queue, busy in times.items())

    def _line(self, queue: str) -> Line:
        slots = max(1, self._fleet.slots.get(queue, 1))
        return Line(queue, max(self._occupancy.bound[queue], self._fleet.load(queue) * slots), slots)

    def _queues_of(self, stage: Stage) -> list[str]:
        return [queue for queue in self._fleet.slots if queue.partition(".")[0] == stage]

    def _slots(self, stage: Stage) -> int:
        return sum(self._fleet.slots[queue] for queue in self._queues_of(stage))
