"""A world for the core: a clock, a journal and workers that take, die, go silent or answer twice.

All of it is made of one seed, so what went wrong once goes wrong again.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from bridge.types import STAGES, Decision, Event, Flight, Stage, Target, Work
from gateway.core import effects, inputs
from gateway.core.effects import Effect, Play, Purge, Say
from gateway.core.flight import Recorded
from gateway.core.inputs import Key
from gateway.core.terms import Patience
from tests.gateway.core.bench import DRAFTED, PATIENCE, SILENT, VOICED, Bench, lengths
from tests.gateway.events import RATE, SESSION, speech

HEAD, WHOLE, SKIP = "una frase", "una frase y otra", 5
"""What the first sentence, of so many characters, and what all of them became."""


@dataclass(frozen=True)
class Trouble:
    """How likely what goes wrong is, for each piece of work, or for each decision or entry."""

    dies: float = 0.0
    silent: float = 0.0
    slow: float = 0.0
    twice: float = 0.0
    fails: float = 0.0
    loses: float = 0.0
    forgets: float = 0.0
    unsent: float = 0.0


@dataclass
class Task:
    work: Work
    stage: Stage
    targets: tuple[Target, ...]
    plan: dict[Key, str]


@dataclass
class Worker:
    """A device of a stage with its queue; a worker that takes the place of a dead one has another name."""

    stage: Stage
    queue: str
    life: int = 0
    alive: bool = True
    silent: bool = False
    task: Task | None = None
    waiting: deque[Task] = field(default_factory=deque)

    @property
    def name(self) -> str:
        return f"{self.queue}#{self.life}"


class World(Bench):
    """Runs a session by itself: speech at its pace, a dispatcher, workers, a journal some ms away."""

    def __init__(
        self,
        *targets: str,
        seed: int | Random = 0,
        trouble: Trouble = Trouble(),
        patience: Patience = PATIENCE,
        devices: int = 2,
        heads: bool = True,
        drafts: bool = False,
        partials: bool = False,
        clause_ms: int = 0,
    ) -> None:
        """`heads`: of what is several sentences the first is spoken before the rest is translated."""
        self.heads = heads
        self.random = seed if isinstance(seed, Random) else Random(seed)
        self.trouble = trouble
        self.frames: list[Effect] = []
        self.recorded: list[Flight] = []
        self.ended = False
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._timer = 0
        self._least: dict[tuple[int, int, Stage, str | None], int] = {}
        self._dropped = (-1, -1)
        self.drafted: Counter[str] = Counter()
        self._claimed: set[str] = set()
        self._first = 0
        self.workers = [Worker(stage, f"{stage}.{n}") for stage in STAGES for n in range(devices)]
        super().__init__(*targets, patience=patience, drafts=drafts, partials=partials, clause_ms=clause_ms)

    # --- time ---

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Does something in so many seconds."""
        self._count += 1
        heappush(self._agenda, (self.now + seconds, self._count, action))

    def run(self, seconds: float) -> None:
        """Lets time pass, until the session has ended or so many seconds are over."""
        end = self.now + seconds
        self._look()
        while not self.ended and self._agenda and self._agenda[0][0] <= end:
            self.now, _, action = heappop(self._agenda)
            action()

    def talk(self, segments: int, every: float = 1.0) -> None:
        """Says so many segments, one after the other, and ends the session."""

        def speak(left: int) -> None:
            if not self.speaker.hungry:
                self.later(0.1, lambda: speak(left))
            elif left:
                self._say() if self.terms.cutting.drafts else self.segment()
                self.later(every, lambda: speak(left - 1))
            else:
                self.give(inputs.End())

        self.later(0.0, lambda: speak(segments))

    def _say(self) -> None:
        """One segment, in which the speaker may pause for long enough to make drafts."""
        pauses = self.random.choice((0, 0, 1, 2))

        def fall_silent() -> None:
            self.hears((SILENT - DRAFTED, 0.0))

        def part(left: int) -> None:
            self.hears((VOICED if left == pauses else 4, 0.9), (DRAFTED, 0.0))
            wait = self.random.uniform(0.02, 0.3)
            if left:
                self.later(wait, lambda: part(left - 1))
            else:
                self.later(wait, fall_silent)

        part(pauses)

    # --- what the room wants done ---

    def do(self, found: Sequence[Effect]) -> list[Effect]:
        """Does it, in a moment."""
        self.recorded += [effect.flight for effect in found if isinstance(effect, Recorded)]
        for effect in found:
            match effect:
                case Say() | Play() | Purge():
                    self.frames.append(effect)
                    self.ended |= isinstance(effect, Say) and isinstance(effect.what, effects.Ended)
                case effects.Append(decision):
                    self.drafted[decision.kind] += 1
                    if self.random.random() >= self.trouble.forgets:
                        self._write(decision, 0.002)
                case effects.Supersede(segment, revision, stage, target, attempt):
                    self._least[segment, revision, stage, target] = attempt
                case effects.Drop(segment, revision):
                    self._dropped = (segment, revision)
                case effects.Cancel(segment):
                    self._first = segment
                case effects.Submit():
                    submit = effect
                    self.later(0.003, lambda submit=submit: self._submit(submit))  # type: ignore[misc]
                case effects.Timer(at):
                    self._arm(at)
        return []

    def _arm(self, at: float) -> None:
        self._timer += 1
        number = self._timer

        def tick() -> None:
            if number == self._timer:
                self.give(inputs.Tick())

        self.later(max(0.0, at - self.now), tick)

    def _write(self, item: Event | Decision, delay: float = 0.001) -> None:
        def write() -> None:
            for entry in self.journal.write(item, at=self.now):
                self.give(entry)

        self.later(delay, write)

    def _look(self) -> None:
        running = {
            w.task.work.item(w.stage) for w in self.workers if w.alive and not w.silent and w.task is not None
        }
        self.give(inputs.Looked(running))
        self.later(1.0, self._look)

    # --- dispatcher ---

    def _submit(self, submit: effects.Submit) -> None:
        work, stage = submit.work, submit.stage
        plan: dict[Key, str] = {}
        for of in STAGES[STAGES.index(stage) :]:
            for target in [None] if of == "stt" else [target.language for target in submit.targets]:
                alive = [worker.queue for worker in self.workers if worker.stage == of and worker.alive]
                if not alive or self.random.random() < self.trouble.unsent:
                    self.give(inputs.Unsent(work.segment, stage, work.target, f"No live worker serves {of}."))
                    return
                plan[work.segment, of, target] = self.random.choice(alive)
        self._put(Task(work, stage, submit.targets, plan))
        self.later(0.001, lambda: self._told(inputs.Sent(work.segment, stage, work.target, plan)))

    def _told(self, what: inputs.Input) -> None:
        self.give(what)

    def _put(self, task: Task) -> None:
        queue = task.plan[task.work.segment, task.stage, task.work.target]
        worker = next(worker for worker in self.workers if worker.queue == queue)
        worker.waiting.append(task)
        self._take(worker)

    # --- workers ---

    def _wanted(self, task: Task) -> bool:
        work = task.work
        item = work.item(task.stage)
        if work.segment < self._first or item in self._claimed:
            return False
        if work.attempt < self._least.get((work.segment, work.revision, task.stage, work.target), 0):
            return False
        if work.draft and work.segment == self._dropped[0] and work.revision <= self._dropped[1]:
            return False
        self._claimed.add(item)
        return True

    def _take(self, worker: Worker) -> None:
        while worker.alive and worker.task is None and worker.waiting:
            task = worker.waiting.popleft()
            if not self._wanted(task):
                continue
            worker.task = task
            self._report(worker, self._event(worker, "started", queued_ms=1.0))
            self._work(worker, deque(self._steps(worker)), self._fate())

    def _fate(self) -> str:
        point = self.random.random()
        for fate in ("dies", "silent", "slow", "fails"):
            point -= getattr(self.trouble, fate)
            if point < 0:
                return fate
        return ""

    def _work(self, worker: Worker, steps: deque[tuple[float, Event]], fate: str) -> None:
        """The next step of a worker; what goes wrong does so at any of them."""
        life, wait = worker.life, steps[0][0] if steps else 0.0
        if fate and self.random.random() < 0.4 and (steps or fate != "fails"):
            if fate == "dies":
                return self.later(wait / 2, lambda: self._die(worker, life))
            if fate == "fails":
                steps.clear()
                steps.append(
                    (wait, self._event(worker, "failed", code="busy", message="Busy.", retryable=True))
                )
            else:
                worker.silent = fate == "silent"
                wait += 17.0
            fate = ""

        def step() -> None:
            if worker.life != life:
                return
            worker.silent = False
            if steps:
                _, event = steps.popleft()
                self._report(worker, event)
                if event.kind == "head":
                    self._ahead(worker, event)
                if event.kind != "failed":
                    return self._work(worker, steps, fate)
                worker.task = None
            self._finish(worker)

        return self.later(wait, step)

    def _finish(self, worker: Worker) -> None:
        task, worker.task = worker.task, None
        following = STAGES[STAGES.index(worker.stage) + 1 : STAGES.index(worker.stage) + 2]
        if task is not None and following:
            for target in task.targets:
                if task.work.target in (None, target.language):
                    work = self._rest(worker.stage, task.work.but(target=target.language, sentence=0))
                    self._put(Task(work, following[0], (target,), task.plan))
        self._take(worker)

    def _ahead(self, worker: Worker, event: Event) -> None:
        """The first sentence goes to tts before the rest is translated."""
        assert worker.task is not None
        task = worker.task
        self._put(Task(task.work.but(text=event.text), "tts", task.targets, task.plan))

    def _rest(self, stage: Stage, work: Work) -> Work:
        """What the next stage gets, behind a head where there was one."""
        if stage != "translation" or not self.divides(work.segment):
            return work
        return work.but(head=HEAD, text=WHOLE, skip=0, part=1, sentence=1)

    def divides(self, segment: int) -> bool:
        """Whether translation sends the first sentence of a segment on before the others."""
        return self.heads and len(lengths(segment)) > 1

    def _die(self, worker: Worker, life: int) -> None:
        if worker.life != life:
            return
        name, worker.task, worker.alive, worker.silent = worker.name, None, False, False
        worker.life += 1
        elsewhere = any(w.alive for w in self.workers if w.stage == worker.stage)
        self.later(0.3, lambda: self._told(inputs.Vanished(name, worker.queue, elsewhere)))

        def rise() -> None:
            worker.alive = True
            self._take(worker)

        self.later(1.5, rise)

    def _steps(self, worker: Worker) -> list[tuple[float, Event]]:
        assert worker.task is not None
        work, engine = worker.task.work, self.random.uniform(0.05, 0.3)
        if worker.stage == "stt":
            return [(engine, self._event(worker, "text", text=f"words {work.segment}", language="en"))]
        if worker.stage == "translation":
            if not self.divides(work.segment):
                return [(engine, self._event(worker, "text", text="palabras"))]
            head = [(engine / 2, self._event(worker, "head", text=HEAD, skip=SKIP))]
            whole = (engine, self._event(worker, "text", text=WHOLE, skip=SKIP))
            return [*([] if work.head else head), whole]
        found: list[tuple[float, Event]] = []
        sentences = list(enumerate(lengths(work.segment)))[work.sentence :]
        for sentence, count in sentences[:1] if work.text == HEAD else sentences:
            for start in range(0, count, 4):
                pcm = speech(work.segment, sentence, start, start + 4, work.target or "", work.attempt)
                piece = {"index": len(found), "sentence": sentence, "last": start + 4 == count}
                found.append((engine, self._event(worker, "audio", pcm=pcm, rate=RATE, **piece)))
        return [*found, (0.001, self._event(worker, "done", index=len(found), rate=RATE))]

    def _event(self, worker: Worker, kind: str, **values: object) -> Event:
        assert worker.task is not None
        work = worker.task.work
        return Event(
            kind,  # type: ignore[arg-type]
            worker.stage,
            SESSION,
            work.segment,
            work.revision,
            work.attempt,
            target=work.target,
            part=work.part,
            worker=worker.name,
            **values,  # type: ignore[arg-type]
        )

    def _report(self, worker: Worker, event: Event) -> None:
        if event.kind != "started" and self.random.random() < self.trouble.loses:
            return
        self._write(event)
        if self.random.random() < self.trouble.twice:
            self._write(event)
